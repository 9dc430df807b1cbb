//! What answers announce about connections that a client may keep for its next request.

use std::time::Duration;

use axum::Router;
use axum::routing::{get as on_get, post as on_post};
use voucherify_emulator::http::ConnectionLimits;

use super::{Received, Served, get};

fn router() -> Router {
    Router::new().route("/", on_get(|| async { "answer" })).route("/unread", on_post(|| async { "unread" }))
}

/// Returns the headers of an answer that concern its connection.
fn connection_headers(answer: &Received) -> Vec<&str> {
    let is_one = |line: &&str| line.starts_with("connection:") || line.starts_with("keep-alive:");
    answer.head.split("\r\n").filter(is_one).collect()
}

#[tokio::test]
async fn an_answer_announces_how_long_its_connection_may_be_kept() {
    let served = Served::new(router(), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    for _ in 0..2 {
        connection.send(get("/")).await;
        assert_eq!(
            connection_headers(&connection.answer().await),
            ["connection: keep-alive", "keep-alive: timeout=600"]
        );
    }
    connection.send(get("/missing")).await;
    assert_eq!(connection_headers(&connection.answer().await), ["connection: keep-alive", "keep-alive: timeout=600"]);
    assert!(ConnectionLimits::default().idle > 2 * ConnectionLimits::default().announced_idle);
}

#[tokio::test]
async fn nothing_is_announced_where_the_connection_ends_or_the_client_has_another_version() {
    let served = Served::new(router(), ConnectionLimits::default()).await;
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", &["connection: close"][..]),
        ("GET / HTTP/1.1\r\nhost: x\r\nconnection: x, Close\r\n\r\n", &["connection: close"]),
        ("GET / HTTP/1.0\r\nhost: x\r\n\r\n", &[]),
        ("GET / HTTP/1.0\r\nhost: x\r\nconnection: keep-alive\r\n\r\n", &["connection: keep-alive"]),
        (
            "POST /unread HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
            &["connection: close"],
        ),
    ] {
        let mut connection = served.connect().await;
        connection.send(request).await;
        assert_eq!(connection_headers(&connection.answer().await), expected, "{request}");
    }
    let limits = ConnectionLimits { announced_idle: Duration::from_millis(999), ..ConnectionLimits::default() };
    let served = Served::new(router(), limits).await;
    let mut connection = served.connect().await;
    connection.send(get("/")).await;
    assert_eq!(connection_headers(&connection.answer().await), [""; 0]);
}
