use futures_util::future::join_all;
use serde_json::json;

use super::{block_export_writes, release_export_writes, run_export, wait_until_export_is_blocked};
use crate::support::{TestEmulator, TestProject, citus};

#[tokio::test]
async fn deleting_export_deletes_its_file() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    let export = run_export(&client, "customer", json!({})).await;
    let path = format!("/v1/exports/{}", export["id"].as_str().unwrap());
    let url = export["result"]["url"].as_str().unwrap();
    client.download(url).await.expect(200);
    let answer = client.delete(&path).await.expect(204);
    assert_eq!(answer.text, "");
    client.download(url).await.expect(401);
    client.get(&path).await.expect(404);
    client.delete(&path).await.expect(404);
    let remaining: i64 =
        sqlx::query_scalar("SELECT count(*) FROM job_results").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(remaining, 0);
}

#[tokio::test]
async fn unknown_export_and_export_of_other_project_return_404() {
    let project = TestProject::new();
    let client = project.client();
    let id = run_export(&client, "customer", json!({})).await["id"].as_str().unwrap().to_owned();
    let action = client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
    let error = project.other_project().delete(&format!("/v1/exports/{id}")).await.expect(404);
    assert_eq!(
        (error.string("/details"), error.string("/resource_type")),
        (format!("Cannot find export with id {id}"), "export".to_owned())
    );
    client.get(&format!("/v1/exports/{id}")).await.expect(200);
    client.delete("/v1/exports/%00").await.expect(404);
    // An async action that is not an export is not deleted.
    let action = action["id"].as_str().unwrap();
    client.delete(&format!("/v1/exports/{action}")).await.expect(404);
    client.get(&format!("/v1/async-actions/{action}")).await.expect(200);
}

#[tokio::test]
async fn queued_export_is_deleted_without_running() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM customers WHERE project_id = 1 FOR UPDATE").execute(&mut *blocker).await.unwrap();
    client.post("/v1/customers/bulk/async", json!([{"source_id": "a", "name": "A"}])).await.expect(202);
    let id = client.post("/v1/exports", json!({"exported_object": "customer"})).await.expect(200).string("/id");
    assert_eq!(client.get(&format!("/v1/exports/{id}")).await.string("/status"), "SCHEDULED");
    client.delete(&format!("/v1/exports/{id}")).await.expect(204);
    blocker.rollback().await.unwrap();
    client.get("/_emulator/idle").await.expect(200);
    let remaining: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(remaining, 1);
}

#[tokio::test]
async fn deletion_waits_for_running_export_without_holding_a_connection() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    block_export_writes(&emulator).await;
    let id = client.post("/v1/exports", json!({"exported_object": "customer"})).await.expect(200).string("/id");
    wait_until_export_is_blocked(&emulator).await;
    let path = format!("/v1/exports/{id}");
    // Send more requests than the pool has connections.
    let deletions = join_all((0..40).map(|_| client.delete(&path)));
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        assert_eq!(client.get(&path).await.expect(200).string("/status"), "IN_PROGRESS");
        release_export_writes(&emulator).await;
    };
    let (answers, ()) = tokio::join!(deletions, release);
    let count = |status: u16| answers.iter().filter(|answer| answer.status.as_u16() == status).count();
    assert_eq!((count(204), count(404)), (1, 39));
    let remaining: i64 =
        sqlx::query_scalar("SELECT count(*) FROM job_results").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(remaining, 0);
}
