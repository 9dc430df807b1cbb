//! Webhook messages: which are sent, when, and how their delivery ends.

mod delivery;
mod erasure;
mod failures;
mod faults;
mod messages;
mod multiple_emulators;

use serde_json::{Value, json};

use crate::support::{Client, Receiver};

/// Creates a project webhook for these events and returns its id.
pub async fn webhook(client: &Client, receiver: &Receiver, events: &[&str]) -> String {
    let body = json!({"target_url": receiver.url(), "events": events});
    client.post("/_emulator/webhooks", body).await.expect(200).string("/id")
}

/// Creates a distribution for these events and returns its id.
pub async fn distribution(client: &Client, receiver: &Receiver, name: Option<&str>, events: &[&str]) -> String {
    let mut body = json!({"object": "distribution", "target_url": receiver.url(), "events": events});
    if let Some(name) = name {
        body["name"] = name.into();
    }
    client.post("/_emulator/webhooks", body).await.expect(200).string("/id")
}

/// Returns the deliveries of a project, newest first.
async fn deliveries(client: &Client) -> Vec<Value> {
    let answer = client.get("/_emulator/webhooks/deliveries?limit=100").await.expect(200);
    answer.json()["data"].as_array().unwrap().clone()
}

/// Waits until the newest delivery has at least this many attempts, and returns it.
async fn attempted(client: &Client, attempts: usize) -> Value {
    for _ in 0..2_000 {
        if let Some(newest) = deliveries(client).await.into_iter().next()
            && newest["attempts"].as_array().unwrap().len() >= attempts
        {
            return newest;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("not attempted {attempts} times: {:?}", deliveries(client).await);
}
