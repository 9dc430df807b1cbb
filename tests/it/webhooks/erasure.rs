//! The erasure of a customer also erases it from webhook deliveries.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use super::{attempted, deliveries, distribution, webhook};
use crate::support::{Client, Receiver, Reply, TestEmulator};

#[tokio::test]
async fn deliveries_about_an_erased_customer_are_deleted() {
    let (emulator, receiver) = (TestEmulator::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.always(Reply::Status(500));
    client.post("/v1/customers", json!({"source_id": "kept"})).await.expect(200);
    client.post("/v1/customers", json!({"source_id": "erased-customer", "name": "Very Unusual"})).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(deliveries(&client).await.len(), 2);
    assert_eq!(receiver.messages().len(), 2);
    let id = client.get("/v1/customers/erased-customer").await.string("/id");
    client.call(Method::POST, "/v1/customers/erased-customer/permanent-deletion", None).await.expect(200);
    for text in ["erased-customer", "Very Unusual"] {
        assert_eq!(emulator.tables_with(text).await, Vec::<String>::new());
    }
    assert_eq!(emulator.tables_with(&id).await, ["permanent_deletions"]);
    emulator.set_clock("2026-03-01T10:01:00Z");
    receiver.received(3).await;
    let delivery = attempted(&client, 2).await;
    assert_eq!(deliveries(&client).await.len(), 1);
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(receiver.messages()[2].text("/data/customer/source_id"), "kept");
}

#[tokio::test]
async fn a_retry_does_not_contain_an_erased_referrer() {
    let (emulator, receiver) = (TestEmulator::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = emulator.client();
    distribution(&client, &receiver, None, &["customer.order.created"]).await;
    receiver.replies([Reply::Status(500)]);
    let order = json!({"amount": 1, "customer": {"source_id": "buyer"}, "referrer": {"source_id": "friend"}});
    client.post("/v1/orders", order).await.expect(200);
    attempted(&client, 1).await;
    client.call(Method::POST, "/v1/customers/friend/permanent-deletion", None).await.expect(200);
    emulator.set_clock("2026-03-01T10:01:00Z");
    let messages = receiver.received(2).await;
    assert_eq!(messages[0].text("/data/referrer/source_id"), "friend");
    assert_eq!(messages[1].json()["data"]["referrer"], json!(null));
    assert_eq!(messages[0].text("/id"), messages[1].text("/id"));
}

#[tokio::test]
async fn a_queued_message_about_an_erased_customer_is_not_sent() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    let in_flight = fill_capacity(&client, &receiver).await;
    client.post("/v1/customers", json!({"source_id": "erased-customer"})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.call(Method::POST, "/v1/customers/erased-customer/permanent-deletion", None).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    client.post("/v1/customers", json!({"source_id": "last"})).await.expect(200);
    let messages = receiver.received(in_flight + 1).await;
    assert_eq!(messages[in_flight].text("/data/customer/source_id"), "last");
}

#[tokio::test]
async fn a_queued_message_is_sent_without_an_erased_referrer() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    distribution(&client, &receiver, None, &["customer.order.created"]).await;
    client.post("/v1/customers", json!({"source_id": "friend"})).await.expect(200);
    // Use the full capacity of the distribution.
    receiver.received(1).await;
    let order = |customer: &str| json!({"amount": 1, "customer": {"source_id": customer}});
    client.post("/v1/orders", order("friend")).await.expect(200);
    receiver.received(2).await;
    receiver.always(Reply::Late(Duration::from_millis(1_500)));
    for _ in 0..16 {
        client.post("/v1/orders", order("friend")).await.expect(200);
    }
    receiver.received(18).await;
    let mut referred_order = order("friend");
    referred_order["customer"] = json!({"source_id": "buyer"});
    referred_order["referrer"] = json!({"source_id": "friend"});
    client.post("/v1/orders", referred_order).await.expect(200);
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.call(Method::POST, "/v1/customers/friend/permanent-deletion", None).await.expect(200);
    let count = receiver.messages().len();
    client.get("/_emulator/idle").await.expect(200);
    let after = &receiver.messages()[count..];
    assert!(
        after.iter().any(|message| message.text("/event/type") == "customer.order.created"),
        "the message about the order is sent"
    );
    assert!(
        after.iter().all(|message| !String::from_utf8_lossy(&message.body).contains("friend")),
        "no message contains the referrer"
    );
}

/// Uses the full capacity of the webhook with slow deliveries, so that the next messages wait in the queue, and returns
/// the number of messages that were received.
async fn fill_capacity(client: &Client, receiver: &Receiver) -> usize {
    client.post("/v1/customers", json!({"source_id": "first"})).await.expect(200);
    receiver.received(1).await;
    client.get("/_emulator/idle").await.expect(200);
    receiver.always(Reply::Late(Duration::from_millis(1_500)));
    for index in 0..16 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    receiver.received(17).await;
    17
}
