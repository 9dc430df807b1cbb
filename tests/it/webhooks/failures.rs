//! Receivers that fail, are slow, do not respond, redirect, or send endless responses.

use std::time::Duration;

use serde_json::json;

use super::{attempted, webhook};
use crate::support::{Receiver, Reply, TestEmulator, TestProject};
use voucherify_emulator::clock::Clock;

#[tokio::test]
async fn a_failed_delivery_is_retried_at_the_vendors_times_with_the_same_bytes() {
    let (emulator, receiver) = (TestEmulator::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Status(500), Reply::Status(404), Reply::Status(202)]);
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["status"], "PENDING");
    assert_eq!(delivery["next_attempt_at"], "2026-03-01T10:01:00.000Z");
    assert_eq!(delivery["attempts"][0]["status"], 500);
    assert!(delivery["attempts"][0]["error"].is_string());
    emulator.set_clock("2026-03-01T10:00:59Z");
    emulator.set_clock("2026-03-01T10:01:00Z");
    let delivery = attempted(&client, 2).await;
    // The third attempt is due two minutes after the first.
    assert_eq!(delivery["next_attempt_at"], "2026-03-01T10:02:00.000Z");
    emulator.set_clock("2026-03-01T10:02:00Z");
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
async fn a_webhook_is_deactivated_after_the_last_attempt_and_can_be_activated_again() {
    let emulator = TestEmulator::with(Clock::System, |config| config.webhooks.retry_speed = 600_000).await;
    let receiver = Receiver::start().await;
    let client = emulator.client();
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
    assert_eq!(receiver.messages().len(), 13, "an inactive webhook gets no messages");
    receiver.always(Reply::Status(200));
    client.put(&path, json!({"active": true})).await.expect(200);
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    let messages = receiver.received(14).await;
    assert_eq!(messages[13].text("/data/customer/source_id"), "c");
}

#[tokio::test]
async fn a_delivery_that_a_reset_removes_while_it_is_sent_deactivates_nothing() {
    let emulator = TestEmulator::with(Clock::System, |config| config.webhooks.retry_speed = 600_000).await;
    let (client, receiver) = (emulator.client(), Receiver::start().await);
    let id = webhook(&client, &receiver, &["customer.created"]).await;
    let late = Reply::LateStatus(Duration::from_millis(400), 503);
    receiver.replies(std::iter::repeat_n(Reply::Status(503), 12).chain([late]));
    client.post("/v1/customers", json!({"source_id": "a"})).await.expect(200);
    receiver.received(13).await;
    client.post("/_emulator/reset", json!({"keep": ["webhooks"]})).await.expect(200);
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!(client.get(&format!("/_emulator/webhooks/{id}")).await.json()["active"], true);
}

#[tokio::test]
async fn a_slow_response_is_a_successful_delivery() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Late(Duration::from_millis(700))]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert!(delivery["attempts"][0]["milliseconds"].as_i64().unwrap() >= 700, "{delivery}");
}

#[tokio::test]
async fn receivers_that_do_not_respond_leave_capacity_for_other_webhooks() {
    let (emulator, hanging, other) = (TestEmulator::new().await, Receiver::start().await, Receiver::start().await);
    let (client, other_client) = (emulator.client(), emulator.other_project());
    hanging.always(Reply::Hang);
    for _ in 0..90 {
        webhook(&client, &hanging, &["customer.created"]).await;
    }
    // This webhook has had a successful delivery, so its limit is higher, and then its receiver stops responding.
    let proven = emulator.client_with("another", "another's token");
    let failing = Receiver::start().await;
    webhook(&proven, &failing, &["customer.created"]).await;
    webhook(&other_client, &other, &["customer.created"]).await;
    proven.post("/v1/customers", json!({})).await.expect(200);
    failing.received(1).await;
    failing.always(Reply::Hang);
    for index in 0..150 {
        proven.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    for index in 0..6 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    hanging.received(300).await;
    let start = std::time::Instant::now();
    other_client.post("/v1/customers", json!({})).await.expect(200);
    other.received(1).await;
    assert!(start.elapsed() < Duration::from_secs(5), "requests without a response take 10 s: {:?}", start.elapsed());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (emulator, receiver, trap) = (TestEmulator::new().await, Receiver::start().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Redirect(trap.url())]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!((&delivery["status"], &delivery["attempts"][0]["status"]), (&json!("PENDING"), &json!(307)));
    assert!(delivery["attempts"][0]["error"].as_str().unwrap().contains("redirect"));
    assert_eq!(trap.messages().len(), 0);
}

#[tokio::test]
async fn an_endless_response_body_is_not_read() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Endless]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert!(delivery["attempts"][0]["milliseconds"].as_i64().unwrap() < 9_000, "{delivery}");
}

#[tokio::test]
async fn a_refused_connection_is_retried() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    drop(receiver);
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!((&delivery["status"], &delivery["attempts"][0]["status"]), (&json!("PENDING"), &json!(null)));
    assert!(delivery["attempts"][0]["error"].as_str().unwrap().contains("onnect"), "{delivery}");
}

#[tokio::test]
async fn a_link_local_target_is_rejected_at_the_delivery() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    let id = webhook(&client, &receiver, &["customer.created"]).await;
    // Bypass the check of the URL at the creation of the webhook.
    sqlx::query("UPDATE webhooks SET target_url = 'http://169.254.169.254/latest'")
        .execute(&emulator.pool)
        .await
        .unwrap();
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["webhook_id"], id.as_str());
    assert!(delivery["attempts"][0]["error"].as_str().unwrap().contains("link-local"), "{delivery}");
}

#[tokio::test]
async fn a_receiver_without_tls_is_not_sent_anything_over_https() {
    let (project, receiver) = (TestProject::new(), Receiver::start().await);
    let client = project.client();
    let url = receiver.url().replace("http://", "https://");
    let hook = json!({"target_url": url, "events": ["customer.created"]});
    client.post("/_emulator/webhooks", hook).await.expect(200);
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    assert_eq!((&delivery["status"], &delivery["attempts"][0]["status"]), (&json!("PENDING"), &json!(null)));
    assert!(delivery["attempts"][0]["error"].is_string(), "{delivery}");
    assert!(receiver.messages().is_empty());
}
