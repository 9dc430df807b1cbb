use serde_json::json;

use super::{done, exported, finished};
use crate::support::World;

#[tokio::test]
async fn an_export_that_the_database_refuses_ends_in_error_and_others_follow() {
    let world = World::new().await;
    let client = world.client();
    client.customer(json!({"source_id": "a"})).await;
    sqlx::raw_sql(
        "CREATE SEQUENCE attempts;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM nextval(''attempts''); RAISE EXCEPTION ''no''; END';
         CREATE TRIGGER refuse BEFORE INSERT ON job_results FOR EACH ROW WHEN (NEW.number > 1) EXECUTE FUNCTION refuse()",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let export = done(&client, "customer", json!({})).await;
    assert_eq!((&export["status"], &export["result"]), (&json!("ERROR"), &json!(null)));
    let attempts: i64 = sqlx::query_scalar("SELECT last_value FROM attempts").fetch_one(&world.pool).await.unwrap();
    assert_eq!(attempts, 3);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM job_results").fetch_one(&world.pool).await.unwrap();
    assert_eq!(left, 0);
    let token: String = sqlx::query_scalar("SELECT token FROM jobs").fetch_one(&world.pool).await.unwrap();
    client.download(&format!("/v1/exports/{}?token={token}", export["id"].as_str().unwrap())).await.expect(401);
    sqlx::query("DROP TRIGGER refuse ON job_results").execute(&world.pool).await.unwrap();
    assert_eq!(exported(&client, "customer", json!({})).await, "Name,Source ID\n,a\n");
    client.delete(&format!("/v1/exports/{}", export["id"].as_str().unwrap())).await.expect(204);
}

#[tokio::test]
async fn an_export_begins_after_the_jobs_before_it() {
    let world = World::new().await;
    let client = world.client();
    let records: Vec<_> = (0..3_000).map(|number| json!({"source_id": format!("c{number}")})).collect();
    client.post("/v1/customers/bulk/async", json!(records)).await.expect(202);
    assert_eq!(exported(&client, "customer", json!({})).await.lines().count(), 3_001);
}

#[tokio::test]
async fn a_filter_that_a_schema_has_made_unreadable_meanwhile_ends_in_error() {
    let world = World::new().await;
    let client = world.client();
    client.customer(json!({"source_id": "a"})).await;
    let definition = json!({"type": "number", "optional": true, "array": false});
    let schema = json!({"related_object": "customer", "properties": {"age": definition}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    // As it was accepted while the key was text.
    let filters = json!({"metadata.age": {"conditions": {"$is": ["old"]}}});
    sqlx::query(
        "INSERT INTO jobs (project_id, id, type, parameters, app_id, request_id, token, records, created_at, updated_at)
         SELECT project_id, 'exp_000000000000000000000000', 'EXPORT', $1::json, 'x', 'v-000000000000000001', '1.x', 0, now(), now()
         FROM customers",
    )
    .bind(json!({"exported_object": "customer", "parameters": {"fields": ["id"], "filters": filters}}).to_string())
    .execute(&world.pool)
    .await
    .unwrap();
    assert_eq!(finished(&client, "exp_000000000000000000000000").await["status"], "ERROR");
}
