//! Tests how orders change `summary.orders` of their customers.

use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject};

async fn order_summary(client: &Client, identifier: &str) -> Value {
    client.get(&format!("/v1/customers/{identifier}")).await.expect(200).json()["summary"]["orders"].clone()
}

#[tokio::test]
async fn only_paid_and_fulfilled_orders_are_counted() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let none = json!({"total_amount": 0, "total_count": 0, "average_amount": 0, "last_order_amount": 0});
    client
        .post("/v1/orders", json!({"source_id": "1", "amount": 1000, "customer": {"source_id": "a"}}))
        .await
        .expect(200);
    assert_eq!(order_summary(&client, "a").await, none);
    client.put("/v1/orders/1", json!({"status": "PAID"})).await.expect(200);
    emulator.clock.set("2024-03-02T10:00:00Z".parse().unwrap());
    client
        .post(
            "/v1/orders",
            json!({"source_id": "2", "amount": 501, "status": "FULFILLED", "customer": {"source_id": "a"}}),
        )
        .await
        .expect(200);
    let both = json!({"total_amount": 1501, "total_count": 2, "average_amount": 751, "last_order_amount": 501, "last_order_date": "2024-03-02T10:00:00.000Z"});
    assert_eq!(order_summary(&client, "a").await, both);
    client.put("/v1/orders/2", json!({"status": "CANCELED"})).await.expect(200);
    let first = json!({"total_amount": 1000, "total_count": 1, "average_amount": 1000, "last_order_amount": 1000, "last_order_date": "2024-03-01T10:00:00.000Z"});
    assert_eq!(order_summary(&client, "a").await, first);
    client.put("/v1/orders/1", json!({"status": "CREATED"})).await.expect(200);
    assert_eq!(order_summary(&client, "a").await, none, "last_order_date is removed");
}

#[tokio::test]
async fn reassigned_order_moves_its_amount_to_new_customer() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"source_id": "o", "amount": 70, "status": "PAID", "customer": {"source_id": "a"}});
    client.post("/v1/orders", body).await.expect(200);
    client.put("/v1/orders/o", json!({"customer": {"source_id": "b"}})).await.expect(200);
    assert_eq!(order_summary(&client, "a").await["total_count"], 0);
    assert_eq!(order_summary(&client, "b").await["total_amount"], 70);
}

#[tokio::test]
async fn total_is_capped_at_javascript_max_safe_integer() {
    let project = TestProject::new();
    let client = project.client();
    for _ in 0..2 {
        let body = json!({"amount": 9_007_199_254_740_991_i64, "status": "PAID", "customer": {"source_id": "a"}});
        client.post("/v1/orders", body).await.expect(200);
    }
    assert_eq!(order_summary(&client, "a").await["total_amount"], 9_007_199_254_740_991_i64);
}

#[tokio::test]
async fn total_is_capped_at_javascript_min_safe_integer() {
    let project = TestProject::new();
    let client = project.client();
    for _ in 0..2 {
        let item = json!({"price": -9_007_199_254_740_991_i64, "quantity": 9_007_199_254_740_991_i64});
        let body = json!({"status": "PAID", "customer": {"source_id": "a"}, "items": [item]});
        client.post("/v1/orders", body).await.expect(200);
    }
    let summary = order_summary(&client, "a").await;
    assert_eq!((&summary["total_amount"], &summary["total_count"]), (&json!(-9_007_199_254_740_991_i64), &json!(2)));
}
