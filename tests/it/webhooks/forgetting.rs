//! Whoever is forgotten is forgotten by webhooks too.

use axum::http::Method;
use serde_json::json;

use super::{attempted, deliveries, distribution, webhook};
use crate::support::{Receiver, Reply, World};

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
    // All places are taken, so that the last one waits in hand.
    receiver.always(Reply::Late(std::time::Duration::from_millis(1_500)));
    for index in 0..16 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    receiver.received(16).await;
    client.post("/v1/customers", json!({"source_id": "goes"})).await.expect(200);
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    client.call(Method::POST, "/v1/customers/goes/permanent-deletion", None).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    client.post("/v1/customers", json!({"source_id": "last"})).await.expect(200);
    let messages = receiver.received(17).await;
    assert_eq!(messages[16].text("/data/customer/source_id"), "last");
}
