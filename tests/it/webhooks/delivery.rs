//! The delivery of messages: concurrency, retries, replays, expiry and restarts.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use voucherify_emulator::clock::Clock;

use super::{attempted, webhook};
use crate::support::{Receiver, Reply, TestEmulator};

#[tokio::test]
async fn messages_of_one_webhook_are_sent_concurrently_up_to_a_limit() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.always(Reply::Late(Duration::from_millis(100)));
    for index in 0..60 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    client.get("/_emulator/idle").await.expect(200);
    let messages = receiver.messages();
    assert_eq!(messages.len(), 60);
    let ids: HashSet<_> = messages.iter().map(|message| message.text("/id")).collect();
    assert_eq!(ids.len(), 60, "each message is sent once");
    assert!((2..=16).contains(&receiver.max_concurrent_requests()), "{}", receiver.max_concurrent_requests());
}

#[tokio::test]
async fn a_replay_sends_the_same_message_again() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    let path = format!("/_emulator/webhooks/deliveries/{}", delivery["id"].as_str().unwrap());
    let replayed = client.post(&format!("{path}/replay"), Value::Null).await.expect(200);
    assert_eq!(replayed.json()["status"], "PENDING");
    let messages = receiver.received(2).await;
    assert_eq!(messages[0].body, messages[1].body);
    let delivery = attempted(&client, 2).await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert_eq!(client.get(&path).await.expect(200).json(), delivery);
}

#[tokio::test]
async fn a_replay_sends_a_pending_delivery_at_once() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Status(500)]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    let path = format!("/_emulator/webhooks/deliveries/{}/replay", delivery["id"].as_str().unwrap());
    client.post(&path, Value::Null).await.expect(200);
    assert_eq!(attempted(&client, 2).await["status"], "DELIVERED");
}

#[tokio::test]
async fn pending_deliveries_of_a_stopped_emulator_are_sent_by_the_next() {
    let (mut emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    emulator.stop_workers().await;
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    let other = emulator.start_another(|_| {}).await;
    let messages = receiver.received(1).await;
    assert_eq!(messages[0].text("/data/customer/source_id"), "c");
    drop(other);
}

#[tokio::test]
async fn finished_deliveries_are_deleted_after_a_week_and_pending_ones_are_kept() {
    let (emulator, receiver) = (TestEmulator::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Status(200), Reply::Status(500)]);
    for (count, source_id) in ["delivered", "pending"].into_iter().enumerate() {
        client.post("/v1/customers", json!({"source_id": source_id})).await.expect(200);
        receiver.received(count + 1).await;
        attempted(&client, 1).await;
    }
    emulator.clock.set("2026-03-08T10:00:00Z".parse().unwrap());
    emulator.expire_deliveries().await;
    assert_eq!(super::deliveries(&client).await.len(), 2);
    emulator.clock.set("2026-03-08T10:00:00.001Z".parse().unwrap());
    emulator.expire_deliveries().await;
    let remaining = super::deliveries(&client).await;
    assert_eq!((remaining.len(), remaining[0]["attempts"][0]["status"].clone()), (1, json!(500)));
}

#[tokio::test]
async fn the_message_about_a_customer_created_by_an_order_or_event_is_sent_at_once() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    for index in 0..6 {
        let start = Instant::now();
        let customer = json!({"source_id": format!("c{index}")});
        if index % 2 == 0 {
            client.post("/v1/orders", json!({"amount": 1, "customer": customer})).await.expect(200);
        } else {
            client.post("/v1/events", json!({"event": "seen", "customer": customer})).await.expect(200);
        }
        receiver.received(index + 1).await;
        // Without a notification the delivery would start only at the next poll, after two seconds.
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_replay_of_a_delivery_in_flight_sends_it_again() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Late(Duration::from_millis(500))]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let id = receiver.received(1).await[0].text("/id");
    client.post(&format!("/_emulator/webhooks/deliveries/{id}/replay"), Value::Null).await.expect(200);
    let messages = receiver.received(2).await;
    assert_eq!(messages[0].body, messages[1].body);
    let delivery = attempted(&client, 2).await;
    assert_eq!(delivery["status"], "DELIVERED");
}

#[tokio::test]
async fn a_locked_delivery_does_not_delay_other_deliveries() {
    let (emulator, receiver, other) = (TestEmulator::new().await, Receiver::start().await, Receiver::start().await);
    let (client, other_client) = (emulator.client(), emulator.other_project());
    webhook(&client, &receiver, &["customer.created"]).await;
    webhook(&other_client, &other, &["customer.created"]).await;
    receiver.replies([Reply::Late(Duration::from_millis(300))]);
    client.post("/v1/customers", json!({})).await.expect(200);
    receiver.received(1).await;
    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM webhook_deliveries WHERE project_id = 1 FOR UPDATE").execute(&mut *blocker).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for index in 0..3 {
        other_client.post("/v1/customers", json!({})).await.expect(200);
        other.received(index + 1).await;
    }
    blocker.rollback().await.unwrap();
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(attempted(&client, 1).await["status"], "DELIVERED");
    assert_eq!(receiver.messages().len(), 1, "a delivery whose result is written late is not sent again");
}

#[tokio::test]
async fn accelerated_retries_are_sent_at_their_times() {
    let emulator = TestEmulator::with(Clock::System, |config| config.webhooks.retry_speed = 600).await;
    let receiver = Receiver::start().await;
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([500, 500, 500, 500, 200].map(Reply::Status));
    let start = Instant::now();
    client.post("/v1/customers", json!({})).await.expect(200);
    receiver.received(5).await;
    // The retries come 0.1, 0.2, 0.4 and 0.8 s after the first attempt.
    assert!(start.elapsed() >= Duration::from_millis(800), "{:?}", start.elapsed());
    let delivery = attempted(&client, 5).await;
    let at =
        |index: usize| delivery["attempts"][index]["created_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    for (index, after) in [(1, 100), (2, 200), (3, 400), (4, 800)] {
        let late = (at(index) - at(0)).num_milliseconds() - after;
        assert!((0..400).contains(&late), "attempt {index} is {late} ms late: {delivery}");
    }
}

#[tokio::test]
async fn a_deleted_project_sends_no_more_messages() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let (manager, other_client) = (emulator.manager(), emulator.other_project());
    webhook(&other_client, &receiver, &["customer.created"]).await;
    other_client.post("/v1/customers", json!({})).await.expect(200);
    receiver.received(1).await;
    // The receiver answers none of the next messages while the test runs, so that most deliveries wait for the first ones.
    receiver.always(Reply::Late(Duration::from_mins(1)));
    for index in 0..100 {
        other_client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    let project = other_client.get("/_emulator/project").await.expect(200).string("/id");
    manager.delete(&format!("/management/v1/projects/{project}")).await.expect(204);
    let sent = receiver.messages().len();
    assert!(sent < 100);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.messages().len(), sent);
}
