//! What orders do to `summary.orders` of their customers.

use serde_json::{Value, json};

use crate::support::{Client, World};

async fn orders(client: &Client, identifier: &str) -> Value {
    client.get(&format!("/v1/customers/{identifier}")).await.expect(200).json()["summary"]["orders"].clone()
}

#[tokio::test]
async fn paid_and_fulfilled_orders_count_and_the_others_do_not() {
    let world = World::at("2024-03-01T10:00:00Z").await;
    let client = world.client();
    let none = json!({"total_amount": 0, "total_count": 0, "average_amount": 0, "last_order_amount": 0});
    client
        .post("/v1/orders", json!({"source_id": "1", "amount": 1000, "customer": {"source_id": "a"}}))
        .await
        .expect(200);
    assert_eq!(orders(&client, "a").await, none);
    client.put("/v1/orders/1", json!({"status": "PAID"})).await.expect(200);
    world.clock.set("2024-03-02T10:00:00Z".parse().unwrap());
    client
        .post(
            "/v1/orders",
            json!({"source_id": "2", "amount": 501, "status": "FULFILLED", "customer": {"source_id": "a"}}),
        )
        .await
        .expect(200);
    let both = json!({"total_amount": 1501, "total_count": 2, "average_amount": 751, "last_order_amount": 501, "last_order_date": "2024-03-02T10:00:00.000Z"});
    assert_eq!(orders(&client, "a").await, both);
    client.put("/v1/orders/2", json!({"status": "CANCELED"})).await.expect(200);
    let first = json!({"total_amount": 1000, "total_count": 1, "average_amount": 1000, "last_order_amount": 1000, "last_order_date": "2024-03-01T10:00:00.000Z"});
    assert_eq!(orders(&client, "a").await, first);
    client.put("/v1/orders/1", json!({"status": "CREATED"})).await.expect(200);
    assert_eq!(orders(&client, "a").await, none, "no date is left behind");
}

#[tokio::test]
async fn an_order_that_moves_takes_its_amount_along() {
    let world = World::new().await;
    let client = world.client();
    let body = json!({"source_id": "o", "amount": 70, "status": "PAID", "customer": {"source_id": "a"}});
    client.post("/v1/orders", body).await.expect(200);
    client.put("/v1/orders/o", json!({"customer": {"source_id": "b"}})).await.expect(200);
    assert_eq!(orders(&client, "a").await["total_count"], 0);
    assert_eq!(orders(&client, "b").await["total_amount"], 70);
}

#[tokio::test]
async fn sums_beyond_what_javascript_counts_stay_at_the_largest() {
    let world = World::new().await;
    let client = world.client();
    for _ in 0..2 {
        let body = json!({"amount": 9_007_199_254_740_991_i64, "status": "PAID", "customer": {"source_id": "a"}});
        client.post("/v1/orders", body).await.expect(200);
    }
    assert_eq!(orders(&client, "a").await["total_amount"], 9_007_199_254_740_991_i64);
}

#[tokio::test]
async fn sums_below_what_javascript_counts_stay_at_the_least() {
    let world = World::new().await;
    let client = world.client();
    for _ in 0..2 {
        let item = json!({"price": -9_007_199_254_740_991_i64, "quantity": 9_007_199_254_740_991_i64});
        let body = json!({"status": "PAID", "customer": {"source_id": "a"}, "items": [item]});
        client.post("/v1/orders", body).await.expect(200);
    }
    let summary = orders(&client, "a").await;
    assert_eq!((&summary["total_amount"], &summary["total_count"]), (&json!(-9_007_199_254_740_991_i64), &json!(2)));
}
