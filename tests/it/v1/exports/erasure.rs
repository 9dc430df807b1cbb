use axum::http::Method;
use serde_json::json;

use super::{
    block_export_writes, download_file, export_file, get_finished_export, release_export_writes, run_export,
    wait_until_export_is_blocked,
};
use crate::support::{Client, TestEmulator, TestProject, citus};

async fn erase(client: &Client, identifier: &str) {
    client.call(Method::POST, &format!("/v1/customers/{identifier}/permanent-deletion"), None).await.expect(200);
}

#[tokio::test]
async fn erasure_removes_customer_from_existing_files() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a", "name": "Anna, \"A\"\nWeber"})).await;
    client.customer(json!({"source_id": "b", "name": "Ben"})).await;
    for (source_id, customer, referrer) in [("1", "a", "b"), ("2", "b", "a"), ("3", "b", "c")] {
        let order =
            json!({"source_id": source_id, "customer": {"source_id": customer}, "referrer": {"source_id": referrer}});
        client.post("/v1/orders", order).await.expect(200);
    }
    let (b, c) = (client.get("/v1/customers/b").await.string("/id"), client.get("/v1/customers/c").await.string("/id"));
    let customers = run_export(&client, "customer", json!({"order": "source_id"})).await;
    let fields = json!({"fields": ["source_id", "customer_id", "referrer_id"], "order": "created_at"});
    let orders = run_export(&client, "order", fields).await;
    let others = run_export(&client, "order", json!({"fields": ["source_id"], "order": "created_at"})).await;
    erase(&client, "a").await;
    assert_eq!(download_file(&client, &customers).await, "Name,Source ID\nBen,b\n,c\n");
    assert_eq!(
        download_file(&client, &orders).await,
        format!("Source ID,Customer ID,Referrer ID\n2,{b},\n3,{b},{c}\n"),
        "the orders of the customer are removed, and other orders lose their referrer"
    );
    assert_eq!(download_file(&client, &others).await, "Source ID\n2\n3\n");
    erase(&client, "c").await;
    assert_eq!(download_file(&client, &orders).await, format!("Source ID,Customer ID,Referrer ID\n2,{b},\n3,{b},\n"));
    let stored: String = sqlx::query_scalar("SELECT string_agg(job_results::text, '') FROM job_results")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    assert!(!stored.contains("Anna") && !stored.contains(&c), "{stored}");
    // Erasing a customer of another project with the same source_id does not change the files.
    let other = emulator.other_project();
    other.customer(json!({"source_id": "b", "name": "Bob"})).await;
    erase(&other, "b").await;
    assert!(download_file(&client, &customers).await.contains("Ben,b"));
}

#[tokio::test]
async fn customer_erased_while_file_is_written_is_not_in_file() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let a = client.customer(json!({"source_id": "a", "name": "Anna"})).await;
    client.customer(json!({"source_id": "b", "name": "Ben"})).await;
    block_export_writes(&emulator).await;
    let body = json!({"exported_object": "customer", "parameters": {"order": "source_id"}});
    let id = client.post("/v1/exports", body).await.expect(200).string("/id");
    wait_until_export_is_blocked(&emulator).await;
    let running = client.get(&format!("/v1/exports/{id}")).await.expect(200).json();
    assert_eq!((&running["status"], &running["result"]), (&json!("IN_PROGRESS"), &json!(null)));
    erase(&client, "a").await;
    client.customer(json!({"source_id": "c"})).await;
    release_export_writes(&emulator).await;
    // The export had read customer a before the erasure; the other rows have the state of that time.
    assert_eq!(download_file(&client, &get_finished_export(&client, &id).await).await, "Name,Source ID\nBen,b\n");
    let stored: String = sqlx::query_scalar("SELECT string_agg(job_results::text, '') FROM job_results")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    assert!(!stored.contains("Anna") && !stored.contains(&a), "{stored}");
}

#[tokio::test]
async fn order_erased_while_file_is_written_is_not_in_file() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for (source_id, customer, referrer) in [("1", "a", "b"), ("2", "b", "a")] {
        let order =
            json!({"source_id": source_id, "customer": {"source_id": customer}, "referrer": {"source_id": referrer}});
        client.post("/v1/orders", order).await.expect(200);
    }
    block_export_writes(&emulator).await;
    let body = json!({"parameters": {"fields": ["source_id", "referrer_id"], "order": "created_at"}});
    let id = client.post("/v1/orders/export", body).await.expect(200).string("/id");
    wait_until_export_is_blocked(&emulator).await;
    erase(&client, "a").await;
    release_export_writes(&emulator).await;
    assert_eq!(download_file(&client, &get_finished_export(&client, &id).await).await, "Source ID,Referrer ID\n2,\n");
}

#[tokio::test]
async fn erased_customer_is_not_exported() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    client.customer(json!({"source_id": "b"})).await;
    erase(&client, "a").await;
    assert_eq!(export_file(&client, "customer", json!({"fields": ["source_id"]})).await, "Source ID\nb\n");
}
