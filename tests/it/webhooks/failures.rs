//! Receivers that fail, are slow, hang, redirect, or say too much.

use std::time::Duration;

use serde_json::json;

use super::{attempted, deliveries, webhook};
use crate::support::{Receiver, Reply, World};
use voucherify_emulator::clock::Clock;

#[tokio::test]
async fn a_failed_delivery_is_tried_again_at_the_vendors_times_with_the_same_bytes() {
    let (world, receiver) = (World::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Status(500), Reply::Status(404), Reply::Status(202)]);
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["status"], "PENDING");
    assert_eq!(delivery["next_attempt_at"], "2026-03-01T10:01:00.000Z");
    assert_eq!(delivery["attempts"][0]["status"], 500);
    assert!(delivery["attempts"][0]["error"].is_string());
    world.set_clock("2026-03-01T10:00:59Z");
    world.set_clock("2026-03-01T10:01:00Z");
    let delivery = attempted(&client, 2).await;
    // Two minutes after the first attempt.
    assert_eq!(delivery["next_attempt_at"], "2026-03-01T10:02:00.000Z");
    world.set_clock("2026-03-01T10:02:00Z");
    let delivery = attempted(&client, 3).await;
    assert_eq!((&delivery["status"], &delivery["next_attempt_at"]), (&json!("DELIVERED"), &json!(null)));
    assert_eq!(delivery["finished_at"], "2026-03-01T10:02:00.000Z");
    let statuses: Vec<_> = delivery["attempts"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(statuses, [500, 404, 202]);
    let messages = receiver.messages();
    assert_eq!(messages.len(), 3);
    assert!(messages.iter().all(|message| message.body == messages[0].body));
    assert_eq!(messages[0].text("/id"), delivery["id"].as_str().unwrap());
}

#[tokio::test]
async fn after_the_last_attempt_the_webhook_is_switched_off_until_it_is_switched_on() {
    let fast = World::with(Clock::System, |config| config.webhooks.retry_speed = 600_000).await;
    let receiver = Receiver::start().await;
    let client = fast.client();
    let id = webhook(&client, &receiver, &["customer.created"]).await;
    receiver.always(Reply::Status(503));
    client.post("/v1/customers", json!({"source_id": "a"})).await.expect(200);
    let delivery = attempted(&client, 13).await;
    assert_eq!(delivery["status"], "FAILED");
    assert!(delivery["finished_at"].is_string());
    let path = format!("/_emulator/webhooks/{id}");
    for _ in 0..1_000 {
        if client.get(&path).await.json()["active"] == false {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(client.get(&path).await.json()["active"], false);
    client.post("/v1/customers", json!({"source_id": "b"})).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(receiver.messages().len(), 13, "it is told of nothing while it is off");
    receiver.always(Reply::Status(200));
    client.put(&path, json!({"active": true})).await.expect(200);
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    let messages = receiver.received(14).await;
    assert_eq!(messages[13].text("/data/customer/source_id"), "c");
}

#[tokio::test]
async fn a_slow_receiver_is_waited_for() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Late(Duration::from_millis(700))]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert!(delivery["attempts"][0]["milliseconds"].as_i64().unwrap() >= 700, "{delivery}");
}

#[tokio::test]
async fn a_hanging_receiver_is_given_up_after_ten_seconds_and_holds_nobody_up() {
    let (world, hanging, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let (client, stranger) = (world.client(), world.stranger());
    webhook(&client, &hanging, &["customer.created"]).await;
    webhook(&stranger, &other, &["customer.created"]).await;
    hanging.always(Reply::Hang);
    for index in 0..40 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    hanging.received(4).await;
    for index in 0..10 {
        stranger.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    other.received(10).await;
    assert_eq!(hanging.messages().len(), 4, "no more than that at a time while it has taken none");
    hanging.received(5).await;
    let given_up = deliveries(&client).await.into_iter().find(|one| one["attempts"][0].is_object()).unwrap();
    assert_eq!(given_up["status"], "PENDING");
    assert_eq!(given_up["attempts"][0]["status"], json!(null));
    let error = given_up["attempts"][0]["error"].as_str().unwrap();
    assert!(error.contains("10 s"), "{error}");
}

#[tokio::test]
async fn many_hanging_receivers_leave_room_for_the_others() {
    let (world, hanging, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let (client, stranger) = (world.client(), world.stranger());
    hanging.always(Reply::Hang);
    for _ in 0..90 {
        webhook(&client, &hanging, &["customer.created"]).await;
    }
    // One that had taken everything before, and hangs with all that it was trusted with.
    let trusted = world.client_with("another", "another's token");
    let late = Receiver::start().await;
    webhook(&trusted, &late, &["customer.created"]).await;
    webhook(&stranger, &other, &["customer.created"]).await;
    trusted.post("/v1/customers", json!({})).await.expect(200);
    late.received(1).await;
    late.always(Reply::Hang);
    for index in 0..150 {
        trusted.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    for index in 0..6 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    hanging.received(300).await;
    let begun = std::time::Instant::now();
    stranger.post("/v1/customers", json!({})).await.expect(200);
    other.received(1).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "they hang for ten: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (world, receiver, trap) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Redirect(trap.url())]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!((&delivery["status"], &delivery["attempts"][0]["status"]), (&json!("PENDING"), &json!(307)));
    assert!(delivery["attempts"][0]["error"].as_str().unwrap().contains("redirect"));
    assert_eq!(trap.messages().len(), 0);
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Endless]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert!(delivery["attempts"][0]["milliseconds"].as_i64().unwrap() < 9_000, "{delivery}");
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_tried_again() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    drop(receiver);
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!((&delivery["status"], &delivery["attempts"][0]["status"]), (&json!("PENDING"), &json!(null)));
    assert!(delivery["attempts"][0]["error"].as_str().unwrap().contains("onnect"), "{delivery}");
}

#[tokio::test]
async fn a_link_local_target_is_refused_when_it_is_sent_to() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    let id = webhook(&client, &receiver, &["customer.created"]).await;
    // As if it had been allowed when it was made.
    sqlx::query("UPDATE webhooks SET target_url = 'http://169.254.169.254/latest'").execute(&world.pool).await.unwrap();
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["webhook_id"], id.as_str());
    assert!(delivery["attempts"][0]["error"].as_str().unwrap().contains("link-local"), "{delivery}");
}
