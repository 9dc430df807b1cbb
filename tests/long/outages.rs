//! Failures of the database as a whole, which triggers and limits of PostgreSQL simulate.

use serde_json::{Value, json};
use sqlx::Executor;

use crate::support::TestEmulator;

/// Makes every new customer fail with this SQLSTATE.
async fn fail_with(emulator: &TestEmulator, code: &str) {
    let statement = format!(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'simulated' USING ERRCODE = '{code}'; END $$;
         DROP TRIGGER IF EXISTS fail ON customers;
         CREATE TRIGGER fail BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION fail()"
    );
    emulator.pool.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
}

async fn work_again(emulator: &TestEmulator) {
    emulator.pool.execute("DROP TRIGGER fail ON customers").await.unwrap();
}

async fn health(emulator: &TestEmulator) -> Value {
    emulator.client().get("/_emulator/health").await.expect(200).json()
}

#[tokio::test]
async fn health_names_the_reason_until_the_database_works_again() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for (code, details, reason) in [
        ("53100", "No space is left on the disk of the database", "no space left on the disk"),
        ("53200", "The database has no memory left", "no memory left in the database"),
        (
            "58030",
            "The database reports an error of its operating system",
            "the database reports an error of its operating system",
        ),
    ] {
        fail_with(&emulator, code).await;
        let refused = client.post("/v1/customers", json!({"source_id": code})).await.expect(503);
        assert_eq!(refused.json()["details"], details);
        assert_eq!(refused.header("retry-after"), "1");
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(health(&emulator).await, json!({"status": "degraded", "reason": reason, "version": version}));
        // Reads are answered meanwhile.
        client.get("/v1/customers").await.expect(200);
        work_again(&emulator).await;
        client.post("/v1/customers", json!({"source_id": code})).await.expect(200);
        let started = std::time::Instant::now();
        while health(&emulator).await != json!({"status": "ok", "version": version}) {
            assert!(started.elapsed().as_secs() < 10, "{}", health(&emulator).await);
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn an_outage_of_any_length_fails_no_record_of_a_job() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    fail_with(&emulator, "53100").await;
    let records: Value = (0..3).map(|number| json!({"source_id": format!("c{number}")})).collect();
    let accepted = client.post("/v1/customers/bulk/async", records).await.expect(202);
    // A record whose own attempts fail is given up after 20 of them.
    tokio::time::sleep(std::time::Duration::from_secs(24)).await;
    work_again(&emulator).await;
    let action = client.action(&accepted.string("/async_action_id")).await;
    assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(3), &json!(0)));
}
