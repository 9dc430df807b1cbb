use serde_json::json;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn amount_and_status_are_replaced_and_items_kept() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"amount": 10000, "items": [{"quantity": 1, "product": {"name": "test-order-item1"}}]});
    let id = client.post("/v1/orders", body).await.expect(200).string("/id");
    let answer = client.put(&format!("/v1/orders/{id}"), json!({"amount": 30000, "status": "PAID"})).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<ord_>",
      "source_id": null,
      "created_at": "<time>",
      "updated_at": "<time>",
      "status": "PAID",
      "amount": 30000,
      "total_amount": 30000,
      "items": [{"object":"order_item","quantity":1,"product":{"name":"test-order-item1"}}],
      "customer_id": null,
      "referrer_id": null,
      "object": "order"
    }
    "#);
}

#[tokio::test]
async fn order_updates_and_status_changes_are_recorded() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.post("/v1/orders", json!({"source_id": "o", "amount": 1, "customer": {"source_id": "a"}})).await.expect(200);
    for body in [
        json!({"amount": 2}),
        json!({"status": "PAID"}),
        json!({"status": "PAID"}),
        json!({"status": "FULFILLED"}),
        json!({"status": "CANCELED"}),
    ] {
        client.put("/v1/orders/o", body).await.expect(200);
    }
    let entries: Vec<String> = sqlx::query_scalar(
        "SELECT substr(type, 16) FROM customer_activity WHERE type LIKE 'customer.order.%' ORDER BY id",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(
        entries,
        ["created", "updated", "updated", "paid", "updated", "updated", "fulfilled", "updated", "canceled"]
    );
}

#[tokio::test]
async fn unknown_order_and_order_of_other_project_are_not_updated() {
    let project = TestProject::new();
    let client = project.client();
    client.post("/v1/orders", json!({"source_id": "o", "amount": 1})).await.expect(200);
    client.put("/v1/orders/unknown", json!({"amount": 2})).await.expect(404);
    project.other_project().put("/v1/orders/o", json!({"amount": 2})).await.expect(404);
    client.put("/v1/orders/o", json!({"customer_id": "cust_unknown", "amount": 2})).await.expect(404);
    client.put("/v1/orders/o", json!({"amount": "2"})).await.expect(400);
    assert_eq!(client.get("/v1/orders/o").await.json()["amount"], 1);
}
