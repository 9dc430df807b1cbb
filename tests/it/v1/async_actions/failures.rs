//! Tests how jobs handle database errors: temporary errors are retried, and an invalid record fails individually.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{TestEmulator, citus};

const PATH: &str = "/v1/customers/bulk/async";

fn records(names: impl Iterator<Item = String>) -> Value {
    names.map(|name| json!({"source_id": name})).collect()
}

/// Adds a trigger that rejects every customer whose source id starts with `bad`.
async fn add_trigger_that_rejects_bad_source_ids(emulator: &TestEmulator) {
    sqlx::raw_sql(
        "CREATE FUNCTION reject() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
         CREATE TRIGGER reject BEFORE INSERT ON customers FOR EACH ROW WHEN (starts_with(NEW.source_id, 'bad'))
             EXECUTE FUNCTION reject()",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn record_rejected_by_database_fails_individually() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    add_trigger_that_rejects_bad_source_ids(&emulator).await;
    let action = client.done(PATH, records((0..20).map(|n| if n == 7 { "bad".into() } else { format!("c{n}") }))).await;
    assert_eq!((&action["status"], &action["operation_status"]), (&json!("DONE"), &json!("SUCCESS")));
    assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(19), &json!(1)));
    assert_eq!(
        action["result"]["errors"],
        json!([{"message": "Internal Server Error", "details": "Internal error", "key": "internal_server_error", "source_id": "bad"}])
    );
    let report = client.download(action["result"]["reports"][0].as_str().unwrap()).await.expect(200);
    assert_eq!(report.text.lines().filter(|line| *line == "bad,false,false").count(), 1);
    assert_eq!(report.text.lines().count(), 21);
}

#[tokio::test]
async fn failure_of_some_records_does_not_fail_the_others() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let other = emulator.start_another(|_| {}).await;
    add_trigger_that_rejects_bad_source_ids(&emulator).await;
    let mut actions = Vec::new();
    for project in 0..4 {
        let client = other.client_with(&format!("project {project}"), "token");
        let names = (0..60).map(|n| if n % 3 == 0 { format!("bad{n}") } else { format!("c{n}") });
        let id = client.post(PATH, records(names)).await.expect(202).string("/async_action_id");
        actions.push((client, id));
    }
    for (client, id) in actions {
        let action = client.action(&id).await;
        assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(40), &json!(20)));
        assert_eq!(client.get("/v1/customers").await.json()["total"], 40);
    }
}

#[tokio::test]
async fn temporary_database_errors_fail_no_record() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "locked"})).await;
    let mut blocker = emulator.lock_customer("locked").await;
    let names = ["a", "locked", "b"].map(str::to_owned).into_iter();
    let id = client
        .post(PATH, names.map(|name| json!({"source_id": name, "name": "N"})).collect())
        .await
        .expect(202)
        .string("/async_action_id");
    // Simulate a statement timeout and a broken connection, first for the whole slice and then for its single records.
    for function in ["pg_cancel_backend", "pg_terminate_backend", "pg_cancel_backend", "pg_terminate_backend"] {
        TestEmulator::wait_until_blocked(&mut blocker, 1).await;
        let statement = format!(
            "SELECT {function}(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        );
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *blocker).await.unwrap();
        // Wait for the next attempt: by then, the cancelled statement no longer waits for the lock.
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    blocker.rollback().await.unwrap();
    let action = client.action(&id).await;
    assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(3), &json!(0)));
    assert_eq!(client.get("/v1/customers/locked").await.string("/name"), "N");
}

#[tokio::test]
async fn unique_conflict_is_retried_immediately() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "first"})).await;
    for round in 0..5 {
        let name = format!("raced-{round}");
        let mut competing = emulator.pool.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO customers (project_id, id, source_id, profile, created_at, changed_at)
             SELECT project_id, 'cust_' || lpad($1, 24, '0'), $1, '{\"address\":null}', now(), now() FROM customers LIMIT 1",
        )
        .bind(&name)
        .execute(&mut *competing)
        .await
        .unwrap();
        let id =
            client.post(PATH, json!([{"source_id": name, "phone": "1"}])).await.expect(202).string("/async_action_id");
        TestEmulator::wait_until_blocked(&mut competing, 1).await;
        let started = Instant::now();
        competing.commit().await.unwrap();
        let action = client.action(&id).await;
        assert!(started.elapsed() < Duration::from_millis(1_200), "{:?}", started.elapsed());
        let report = client.download(action["result"]["reports"][0].as_str().unwrap()).await.expect(200);
        assert_eq!(
            report.text,
            format!("source_id,found,updated\n{name},true,true\n"),
            "the customer of the competing transaction is found"
        );
    }
}

#[tokio::test]
async fn failures_in_one_project_do_not_block_other_project() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    add_trigger_that_rejects_bad_source_ids(&emulator).await;
    let (client, other_client) = (emulator.client(), emulator.other_project());
    let rejected = client.post(PATH, records((0..30).map(|n| format!("bad{n}")))).await.expect(202);
    let action = other_client.done(PATH, records((0..30).map(|n| format!("c{n}")))).await;
    assert_eq!(action["result"]["done_count"], 30);
    let action = client.action(&rejected.string("/async_action_id")).await;
    assert_eq!((&action["operation_status"], &action["result"]["failed_count"]), (&json!("FAILED"), &json!(30)));
}
