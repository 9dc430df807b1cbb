//! The limits of time and number hold for handshakes too.

use std::time::Duration;

use axum::routing::get as on_get;
use tokio_rustls::rustls::ClientConnection;
use tokio_rustls::rustls::pki_types::ServerName;
use voucherify_emulator::http::ConnectionLimits;

use super::{Secured, router};
use crate::connections::{Connection, get};

const SHORT: Duration = Duration::from_millis(300);

/// Returns the first message of a handshake.
fn client_hello(secured: &Secured) -> Vec<u8> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(secured.client.clone().into(), name).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    hello
}

#[tokio::test]
async fn a_handshake_that_does_not_end_in_time_is_closed_and_does_not_hold_up_others() {
    let limits = ConnectionLimits { head: SHORT, ..ConnectionLimits::default() };
    let secured = Secured::new(router(), limits).await;
    let hello = client_hello(&secured);
    let (mut begun, mut half) = (secured.served.connect().await, secured.served.connect().await);
    begun.send(&hello[..1]).await;
    half.send(&hello).await;
    let mut other = secured.connect().await;
    other.send(get("/quick")).await;
    assert_eq!(other.answer().await.text(), "quick");
    assert_eq!(begun.rest().await, b"", "no answer in plain text");
    // The messages of the server, each a record of a handshake, of a change of the cipher or of encrypted data.
    let received = half.rest().await;
    assert_eq!(received.first(), Some(&0x16));
    assert!(!String::from_utf8_lossy(&received).contains("HTTP/1.1"));
}

#[tokio::test]
async fn a_connection_without_a_byte_and_one_without_a_request_are_closed() {
    let limits = ConnectionLimits { idle: SHORT, ..ConnectionLimits::default() };
    let secured = Secured::new(router(), limits).await;
    let (mut silent, mut secure) = (secured.served.connect().await, secured.connect().await);
    assert_eq!(silent.rest().await, b"");
    let (received, end) = secure.end().await;
    assert_eq!((received, end.unwrap()), (Vec::new(), 0), "the end is announced");
}

#[tokio::test]
async fn a_head_that_does_not_arrive_in_time_returns_408_over_tls() {
    let limits = ConnectionLimits { head: SHORT, ..ConnectionLimits::default() };
    let secured = Secured::new(router(), limits).await;
    let mut connection = secured.connect().await;
    connection.send("GET /quick HTTP/1.1\r\nhost: local").await;
    let answer = connection.answer().await;
    assert_eq!((answer.status(), answer.closes()), (408, true), "{}", answer.head);
    let (received, end) = connection.end().await;
    assert_eq!((received, end.unwrap()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_client_that_does_not_receive_its_answer_is_disconnected_over_tls() {
    let limits = ConnectionLimits { receive: SHORT, ..ConnectionLimits::default() };
    let large = || async { "x".repeat(50_000_000) };
    let secured = Secured::new(router().route("/large", on_get(large)), limits).await;
    let mut connection = secured.connect().await;
    connection.send(get("/large")).await;
    tokio::time::sleep(SHORT * 3).await;
    assert!(connection.rest().await.len() < 50_000_000);
    let mut connection = secured.connect().await;
    connection.send(get("/large")).await;
    assert_eq!(connection.answer().await.body.len(), 50_000_000);
}

#[tokio::test]
async fn unfinished_handshakes_make_room_for_other_connections() {
    let limits = ConnectionLimits { connections: Some(8), ..ConnectionLimits::default() };
    let secured = Secured::new(router(), limits).await;
    let hello = client_hello(&secured);
    let mut unfinished: Vec<Connection> = Vec::new();
    for _ in 0..40 {
        let mut connection = secured.served.connect().await;
        connection.send(&hello[..hello.len() / 2]).await;
        unfinished.push(connection);
    }
    let mut last = secured.connect().await;
    last.send(get("/quick")).await;
    assert_eq!(last.answer().await.text(), "quick");
    assert_eq!(unfinished[0].rest().await, b"");
}
