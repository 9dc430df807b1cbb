//! Clients that send something else than TLS or HTTP, and the ends of connections.

use std::time::Duration;

use axum::routing::get as on_get;
use tokio::time::sleep;
use voucherify_emulator::http::ConnectionLimits;

use super::{Secured, router};
use crate::connections::{get, post};
use crate::support::TestEmulator;

#[tokio::test]
async fn a_client_that_sends_something_else_is_closed_and_does_not_disturb_others() {
    let secured = Secured::new(router(), ConnectionLimits::default()).await;
    let mut other = secured.connect().await;
    for (sent, answered) in [
        // A record of a handshake with another content.
        (&b"\x16\x03\x01\x00\x05hello"[..], false),
        (&[0x16; 3_000][..], false),
        (b"\x16\x03\x01\xff\xff\x01", false),
        // Neither a handshake nor a request.
        (b"\x15\x03\x01\x00\x02\x02\x28\r\n\r\n", true),
        (b"\x80\x2e\x01\x03\x01\r\n\r\n", true),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", true),
    ] {
        let mut connection = secured.served.connect().await;
        connection.send(sent).await;
        if answered {
            assert_eq!(connection.answer().await.status(), 400, "{sent:?}");
        }
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut connection.stream).await;
        assert!(!connection.rest().await.starts_with(b"HTTP"), "{sent:?}");
        other.send(get("/quick")).await;
        assert_eq!(other.answer().await.text(), "quick");
    }
}

#[tokio::test]
async fn a_malformed_request_over_tls_returns_400_and_ends() {
    let secured = Secured::new(router(), ConnectionLimits::default()).await;
    let mut connection = secured.connect().await;
    connection.send("not HTTP\r\n\r\n").await;
    let answer = connection.answer().await;
    assert_eq!((answer.status(), answer.closes()), (400, true));
    assert_eq!(answer.text(), r#"{"statusCode":400,"error":"Bad Request","message":"Bad Request"}"#);
    let (received, end) = connection.end().await;
    assert_eq!((received, end.unwrap()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_refused_body_over_tls_is_answered() {
    let emulator = TestEmulator::new().await;
    let secured = Secured::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = secured.connect().await;
    for _ in 0..2 {
        connection.send(post("/v1/nothing", 5_000_000, "")).await;
        connection.send(vec![b'x'; 5_000_000]).await;
        assert_eq!(connection.answer().await.status(), 404);
    }
    // More than what is discarded: the answer arrives before the end of the body.
    connection.send(post("/v1/nothing", 200_000_000, "expect: 100-continue\r\n")).await;
    let answer = connection.answer().await;
    assert_eq!((answer.status(), answer.closes()), (404, true));
    let (received, end) = connection.end().await;
    assert_eq!((received, end.unwrap()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_stop_announces_the_end_of_idle_connections_and_finishes_requests() {
    let slow = || async {
        sleep(Duration::from_millis(700)).await;
        "slow"
    };
    let secured = Secured::new(router().route("/slow", on_get(slow)), ConnectionLimits::default()).await;
    let (mut idle, mut used, mut slow) = (secured.connect().await, secured.connect().await, secured.connect().await);
    let (mut silent, mut unfinished) = (secured.served.connect().await, secured.served.connect().await);
    unfinished.send(b"\x16\x03").await;
    slow.send(get("/slow")).await;
    used.send(get("/quick")).await;
    assert_eq!(used.answer().await.text(), "quick");
    // The request must have arrived.
    sleep(Duration::from_millis(200)).await;
    let stopped = tokio::spawn(secured.served.server.stop());
    for connection in [&mut idle, &mut used] {
        let (received, end) = connection.end().await;
        assert_eq!((received, end.unwrap()), (Vec::new(), 0));
    }
    assert_eq!((silent.rest().await, unfinished.rest().await), (Vec::new(), Vec::new()));
    let answer = slow.answer().await;
    assert_eq!((answer.text(), answer.closes()), ("slow", true));
    let (received, end) = slow.end().await;
    assert_eq!((received, end.unwrap()), (Vec::new(), 0));
    stopped.await.unwrap();
}
