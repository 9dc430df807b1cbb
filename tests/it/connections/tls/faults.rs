//! Faults on the connection, which a client of TLS sees as it would see them at the vendor.

use std::io::{ErrorKind, Result};

use serde_json::{Value, json};
use voucherify_emulator::http::ConnectionLimits;

use super::Secured;
use crate::connections::faults::wait_for_hit;
use crate::connections::post;
use crate::support::TestEmulator;

/// Sends a request that creates a customer while a fault is active. Returns what was received and how the connection ended.
async fn send_to(emulator: &TestEmulator, fault: Value, source_id: &str) -> (String, Result<usize>) {
    emulator.client().post("/_emulator/faults", fault).await.expect(200);
    let secured = Secured::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = secured.connect().await;
    let body = json!({"source_id": source_id}).to_string();
    connection.send(post("/v1/customers", body.len(), "") + &body).await;
    let (received, end) = connection.end().await;
    secured.served.server.stop().await;
    (String::from_utf8(received).unwrap(), end)
}

#[tokio::test]
async fn a_reset_closes_the_connection_without_an_end_of_tls() {
    let emulator = TestEmulator::new().await;
    let (received, end) = send_to(&emulator, json!({"connection": "reset", "times": 1}), "reset").await;
    assert_eq!((received.as_str(), end.unwrap_err().kind()), ("", ErrorKind::ConnectionReset));
    emulator.client().get("/v1/customers/reset").await.expect(404);
}

#[tokio::test]
async fn a_truncated_answer_ends_without_an_end_of_tls() {
    let emulator = TestEmulator::new().await;
    let (received, end) = send_to(&emulator, json!({"connection": "truncate", "times": 1}), "half").await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let customer = emulator.client().get("/v1/customers/half").await.expect(200);
    assert!(body.starts_with(&format!(r#"{{"id":"{}""#, customer.string("/id"))), "{body}");
    assert!(!body.ends_with('}'));
}

#[tokio::test]
async fn a_hanging_request_ends_when_the_client_closes() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.post("/_emulator/faults", json!({"connection": "hang"})).await.expect(200);
    let secured = Secured::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = secured.connect().await;
    connection.send(post("/v1/customers", 2, "") + "{}").await;
    let id = wait_for_hit(&client).await;
    drop(connection);
    while client.get("/_emulator/requests/count").await.expect(200).json()["count"] == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let entry = &client.get("/_emulator/requests").await.expect(200).json()["data"][0];
    assert_eq!((&entry["status"], &entry["fault"]), (&json!(0), &json!(id)));
}
