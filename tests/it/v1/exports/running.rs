use serde_json::json;

use super::{export_file, get_finished_export, run_export};
use crate::support::{TestEmulator, TestProject, citus};

#[tokio::test]
async fn export_rejected_by_database_ends_in_error_and_next_one_runs() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    sqlx::raw_sql(
        "CREATE SEQUENCE attempts;
         CREATE FUNCTION reject() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM nextval(''attempts''); RAISE EXCEPTION ''no''; END';
         CREATE TRIGGER reject BEFORE INSERT ON job_results FOR EACH ROW WHEN (NEW.number > 1) EXECUTE FUNCTION reject()",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let export = run_export(&client, "customer", json!({})).await;
    assert_eq!((&export["status"], &export["result"]), (&json!("ERROR"), &json!(null)));
    let attempts: i64 = sqlx::query_scalar("SELECT last_value FROM attempts").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(attempts, 3);
    let remaining: i64 =
        sqlx::query_scalar("SELECT count(*) FROM job_results").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(remaining, 0);
    let token: String = sqlx::query_scalar("SELECT token FROM jobs").fetch_one(&emulator.pool).await.unwrap();
    client.download(&format!("/v1/exports/{}?token={token}", export["id"].as_str().unwrap())).await.expect(401);
    sqlx::query("DROP TRIGGER reject ON job_results").execute(&emulator.pool).await.unwrap();
    assert_eq!(export_file(&client, "customer", json!({})).await, "Name,Source ID\n,a\n");
    client.delete(&format!("/v1/exports/{}", export["id"].as_str().unwrap())).await.expect(204);
}

#[tokio::test]
async fn export_runs_after_earlier_jobs() {
    let project = TestProject::new();
    let client = project.client();
    let records: Vec<_> = (0..3_000).map(|number| json!({"source_id": format!("c{number}")})).collect();
    client.post("/v1/customers/bulk/async", json!(records)).await.expect(202);
    assert_eq!(export_file(&client, "customer", json!({})).await.lines().count(), 3_001);
}

#[tokio::test]
async fn export_ends_in_error_when_later_schema_makes_filter_invalid() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    let definition = json!({"type": "number", "optional": true, "array": false});
    let schema = json!({"related_object": "customer", "properties": {"age": definition}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    // Insert an export as it was accepted before the schema existed, when the key had no type.
    let filters = json!({"metadata.age": {"conditions": {"$is": ["old"]}}});
    sqlx::query(
        "INSERT INTO jobs (project_id, id, type, parameters, app_id, request_id, token, records, created_at, updated_at)
         SELECT project_id, 'exp_000000000000000000000000', 'EXPORT', $1::json, 'x', 'v-000000000000000001', '1.x', 0, now(), now()
         FROM customers",
    )
    .bind(json!({"exported_object": "customer", "parameters": {"fields": ["id"], "filters": filters}}).to_string())
    .execute(&emulator.pool)
    .await
    .unwrap();
    emulator.note_job().await;
    assert_eq!(get_finished_export(&client, "exp_000000000000000000000000").await["status"], "ERROR");
}
