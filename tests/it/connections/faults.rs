use std::io::ErrorKind;
use std::time::Duration;

use serde_json::{Value, json};
use voucherify_emulator::http::ConnectionLimits;

use super::{Served, post};
use crate::support::{Client, TestEmulator};

/// Sends a request that creates a customer while a fault is active. Returns what was received and how the connection ended.
async fn send_to(emulator: &TestEmulator, fault: Value, source_id: &str) -> (String, Option<ErrorKind>) {
    emulator.client().post("/_emulator/faults", fault).await.expect(200);
    let served = Served::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    let body = json!({"source_id": source_id}).to_string();
    connection.send(post("/v1/customers", body.len(), "")).await;
    connection.send(&body).await;
    let (received, end) = connection.end().await;
    served.server.stop().await;
    (String::from_utf8(received).unwrap(), end.err().map(|error| error.kind()))
}

#[tokio::test]
async fn a_reset_closes_the_connection_without_an_answer() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let reset = json!({"connection": "reset", "times": 1});
    assert_eq!(send_to(&emulator, reset, "before").await, (String::new(), Some(ErrorKind::ConnectionReset)));
    client.get("/v1/customers/before").await.expect(404);
    let reset = json!({"connection": "reset", "times": 1, "after": true});
    assert_eq!(send_to(&emulator, reset, "after").await, (String::new(), Some(ErrorKind::ConnectionReset)));
    client.get("/v1/customers/after").await.expect(200);
    let log = client.get("/_emulator/requests?method=POST").await.expect(200).json();
    for entry in log["data"].as_array().unwrap() {
        assert_eq!((&entry["status"], &entry["response_body"]), (&json!(0), &json!("")));
        assert!(entry["fault"].is_string() && entry["request_body"].as_str().unwrap().contains("source_id"), "{entry}");
    }
    assert_eq!(log["total"], 2);
}

#[tokio::test]
async fn a_truncated_answer_ends_in_the_middle() {
    let emulator = TestEmulator::new().await;
    let (received, _) = send_to(&emulator, json!({"connection": "truncate", "times": 1}), "half").await;
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let length = head.to_ascii_lowercase().split_once("content-length: ").unwrap().1.to_owned();
    let length: usize = length.lines().next().unwrap().parse().unwrap();
    assert_eq!(body.len(), length / 2);
    let customer = emulator.client().get("/v1/customers/half").await.expect(200);
    assert!(body.starts_with(&format!(r#"{{"id":"{}""#, customer.string("/id"))), "{body}");
}

#[tokio::test]
async fn a_client_that_gives_up_is_logged_without_an_answer() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.post("/_emulator/faults", json!({"connection": "hang"})).await.expect(200);
    let served = Served::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send(post("/v1/customers", 2, "")).await;
    connection.send("{}").await;
    let id = wait_for_hit(&client).await;
    drop(connection);
    while client.get("/_emulator/requests/count").await.expect(200).json()["count"] == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let entry = &client.get("/_emulator/requests").await.expect(200).json()["data"][0];
    assert_eq!((&entry["status"], &entry["fault"], &entry["request_body"]), (&json!(0), &json!(id), &json!("{}")));
    served.server.stop().await;
}

/// Waits until the only fault has hit a request, and returns its id.
pub(super) async fn wait_for_hit(client: &Client) -> String {
    let id = client.get("/_emulator/faults").await.expect(200).string("/data/0/id");
    while client.get(&format!("/_emulator/faults/{id}")).await.expect(200).json()["hits"] == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The hit is counted in the database before the request receives the answer and hangs.
    tokio::time::sleep(Duration::from_millis(300)).await;
    id
}
