//! Whoever is forgotten is forgotten by webhooks too.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;

use super::{attempted, deliveries, distribution, webhook};
use crate::support::{Client, Receiver, Reply, World};

#[tokio::test]
async fn a_forgotten_person_is_in_no_delivery() {
    let (world, receiver) = (World::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.always(Reply::Status(500));
    client.post("/v1/customers", json!({"source_id": "stays"})).await.expect(200);
    client.post("/v1/customers", json!({"source_id": "goes", "name": "Very Unusual"})).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(deliveries(&client).await.len(), 2);
    assert_eq!(receiver.messages().len(), 2);
    let id = client.get("/v1/customers/goes").await.string("/id");
    client.call(Method::POST, "/v1/customers/goes/permanent-deletion", None).await.expect(200);
    for word in ["goes", "Very Unusual"] {
        assert_eq!(world.tables_with(word).await, Vec::<String>::new());
    }
    assert_eq!(world.tables_with(&id).await, ["permanent_deletions"]);
    world.set_clock("2026-03-01T10:01:00Z");
    receiver.received(3).await;
    let delivery = attempted(&client, 2).await;
    assert_eq!(deliveries(&client).await.len(), 1);
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(receiver.messages()[2].text("/data/customer/source_id"), "stays");
}

#[tokio::test]
async fn what_is_sent_again_of_another_does_not_name_a_forgotten_referrer() {
    let (world, receiver) = (World::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = world.client();
    distribution(&client, &receiver, None, &["customer.order.created"]).await;
    receiver.replies([Reply::Status(500)]);
    let order = json!({"amount": 1, "customer": {"source_id": "buyer"}, "referrer": {"source_id": "friend"}});
    client.post("/v1/orders", order).await.expect(200);
    attempted(&client, 1).await;
    client.call(Method::POST, "/v1/customers/friend/permanent-deletion", None).await.expect(200);
    world.set_clock("2026-03-01T10:01:00Z");
    let messages = receiver.received(2).await;
    assert_eq!(messages[0].text("/data/referrer/source_id"), "friend");
    assert_eq!(messages[1].json()["data"]["referrer"], json!(null));
    assert_eq!(messages[0].text("/id"), messages[1].text("/id"));
}

#[tokio::test]
async fn what_was_in_hand_already_is_not_sent_after_the_forgetting() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    let taken = fill(&client, &receiver).await;
    client.post("/v1/customers", json!({"source_id": "goes"})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.call(Method::POST, "/v1/customers/goes/permanent-deletion", None).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    client.post("/v1/customers", json!({"source_id": "last"})).await.expect(200);
    let messages = receiver.received(taken + 1).await;
    assert_eq!(messages[taken].text("/data/customer/source_id"), "last");
}

#[tokio::test]
async fn a_forgotten_referrer_is_not_sent_with_what_was_in_hand_already() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    distribution(&client, &receiver, None, &["customer.order.created"]).await;
    client.post("/v1/customers", json!({"source_id": "friend"})).await.expect(200);
    // The distribution is filled as well.
    receiver.received(1).await;
    let order = |customer: &str| json!({"amount": 1, "customer": {"source_id": customer}});
    client.post("/v1/orders", order("friend")).await.expect(200);
    receiver.received(2).await;
    receiver.always(Reply::Late(Duration::from_millis(1_500)));
    for _ in 0..16 {
        client.post("/v1/orders", order("friend")).await.expect(200);
    }
    receiver.received(18).await;
    let mut bought = order("friend");
    bought["customer"] = json!({"source_id": "buyer"});
    bought["referrer"] = json!({"source_id": "friend"});
    client.post("/v1/orders", bought).await.expect(200);
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.call(Method::POST, "/v1/customers/friend/permanent-deletion", None).await.expect(200);
    let begun = receiver.messages().len();
    client.get("/_emulator/idle").await.expect(200);
    let after = &receiver.messages()[begun..];
    assert!(
        after.iter().any(|message| message.text("/event/type") == "customer.order.created"),
        "the order is told of"
    );
    assert!(
        after.iter().all(|message| !String::from_utf8_lossy(&message.body).contains("friend")),
        "without the friend"
    );
}

/// Takes all places of the webhook, so that whatever comes next waits in hand; how many messages that were.
async fn fill(client: &Client, receiver: &Receiver) -> usize {
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
