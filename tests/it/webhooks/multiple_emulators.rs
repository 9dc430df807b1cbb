//! Several emulators on one database.

use std::time::Duration;

use serde_json::json;

use super::webhook;
use crate::support::{Receiver, TestEmulator};

#[tokio::test]
async fn each_message_is_sent_once_when_several_emulators_share_a_database() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let other = emulator.start_another(|_| {}).await;
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    for index in 0..20 {
        let client = if index % 2 == 0 { emulator.client() } else { other.client() };
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(receiver.messages().len(), 20, "each message is sent once");
    // The emulators must not answer notifications with notifications, which would never end.
    let last_notification = "SELECT max(query_start)::text FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE '%pg_notify%' AND pid <> pg_backend_pid()";
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before: Option<String> = sqlx::query_scalar(last_notification).fetch_one(&emulator.pool).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after: Option<String> = sqlx::query_scalar(last_notification).fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn another_emulator_sends_messages_after_the_sending_one_stops() {
    let (mut emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let other = emulator.start_another(|_| {}).await;
    webhook(&emulator.client(), &receiver, &["customer.created"]).await;
    emulator.client().post("/v1/customers", json!({"source_id": "a"})).await.expect(200);
    receiver.received(1).await;
    emulator.stop_workers().await;
    other.client().post("/v1/customers", json!({"source_id": "b"})).await.expect(200);
    let messages = receiver.received(2).await;
    assert_eq!(messages[1].text("/data/customer/source_id"), "b");
}
