//! Tests that erasure removes a customer from queued files and from lists of failed rows.

use serde_json::{Value, json};

use super::{import, upload};
use crate::support::{Client, TestEmulator};

async fn erase(client: &Client, identifier: &str) {
    client.post(&format!("/v1/customers/{identifier}/permanent-deletion"), json!({})).await.expect(200);
}

#[tokio::test]
async fn erased_customer_is_not_recreated_by_queued_file() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "held"})).await;
    let id = client.customer(json!({"source_id": "needle", "name": "needle"})).await;
    let other = client.customer(json!({"source_id": "other"})).await;
    // An earlier job waits for a locked customer and blocks the queue.
    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM customers WHERE project_id = 1 AND source_id = 'held' FOR UPDATE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    client.post("/v1/customers/bulk/async", json!([{"source_id": "held", "name": "H"}])).await.expect(202);
    let file = format!(
        "id,source_id,name,birthdate\n,needle,a needle,\n,kept,K,\n{id},,a needle,\n123-4,needle,a needle,\n\
         {other},needle,,wrong\n,needle,a needle,wrong\n,also kept,K,wrong\n"
    );
    let accepted = upload(&client, file).await.expect(202);
    erase(&client, "needle").await;
    blocker.rollback().await.unwrap();

    let action = client.action(&accepted.string("/async_action_id")).await;
    let reason = "Property .birthdate cannot be recognized as a ISO-8601 compliant date";
    assert_eq!(
        action["result"],
        json!({"message": "1 customer(s) imported successfully, 2 failed.", "done_count": 1, "failed_count": 2, "failed": [
            {"source_id": "", "row": 5, "reason": reason}, {"source_id": "also kept", "row": 7, "reason": reason},
        ]})
    );
    client.get("/v1/customers/needle").await.expect(404);
    client.get("/v1/customers/kept").await.expect(200);
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
    assert_eq!(emulator.tables_with(&id).await, ["permanent_deletions"], "the record of the deletion keeps the id");
}

#[tokio::test]
async fn erasure_removes_customer_from_failed_rows() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let id = client.customer(json!({"source_id": "needle"})).await;
    let file = format!("id,source_id,birthdate\n,needle,wrong\n,kept,wrong\n{id},,wrong\n");
    let accepted = upload(&client, file).await.expect(202).string("/async_action_id");
    assert_eq!(client.action(&accepted).await["result"]["failed"].as_array().map(Vec::len), Some(3));
    erase(&client, "needle").await;
    let result = client.action(&accepted).await["result"].clone();
    let rows: Vec<_> = result["failed"].as_array().unwrap().iter().map(|row| row["source_id"].clone()).collect();
    assert_eq!((rows, &result["failed_count"]), (vec![json!("kept")], &json!(3)), "the counts are kept");
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
}

#[tokio::test]
async fn file_content_is_deleted_after_import() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    import(&client, "source_id,secret_column\na,1\n").await;
    assert_eq!(emulator.tables_with("secret_column").await, ["customers"]);
    let left: Option<Value> =
        sqlx::query_scalar("SELECT parameters::jsonb FROM jobs").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(left, None);
}
