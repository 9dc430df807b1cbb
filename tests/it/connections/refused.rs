//! Requests that are refused before their body was read. The connection stays usable, or the answer says that it is closed.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use voucherify_emulator::http::ConnectionLimits;

use super::{Connection, Served, get, post};
use crate::support::TestEmulator;

const HEALTH: &str = "/_emulator/health";

/// Returns the heads of requests that are refused, with the status of their answers.
fn refused(length: usize) -> [(String, u16); 4] {
    let patch = post("/v1/customers", length, "").replacen("POST", "PATCH", 1);
    let unauthorized = post("/v1/customers", length, "").replace("x-app-token: ", "x-app-token: not");
    [
        (post("/v1/nothing", length, ""), 404),
        (unauthorized, 401),
        (patch, 405),
        (post("/v1/customers", length, "content-type: text/plain\r\n"), if length > 1_048_576 { 413 } else { 415 }),
    ]
}

async fn expect_health(connection: &mut Connection) {
    connection.send(get(HEALTH)).await;
    assert_eq!(connection.answer().await.status(), 200);
}

#[tokio::test]
async fn the_next_request_after_a_refused_one_is_answered() {
    let emulator = TestEmulator::new().await;
    let served = Served::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    for length in [10, 100_000, 10_000_000] {
        for (head, status) in refused(length) {
            let body = vec![b'x'; length];
            connection.send(&head).await;
            if length < 1_000_000 {
                sleep(Duration::from_millis(5)).await;
            }
            connection.send(&body).await;
            let answer = connection.answer().await;
            assert_eq!((answer.status(), answer.closes()), (status, false), "{length} bytes: {}", answer.head);
            expect_health(&mut connection).await;
            connection.send([head.as_bytes(), &body].concat()).await;
            assert_eq!(connection.answer().await.status(), status);
            expect_health(&mut connection).await;
        }
    }
}

#[tokio::test]
async fn a_chunked_body_of_a_refused_request_is_discarded() {
    let emulator = TestEmulator::new().await;
    let served = Served::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send("POST /v1/nothing HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for part in ["5\r\nhello\r\n", "3\r\nyou\r\n", "0\r\n\r\n"] {
        sleep(Duration::from_millis(20)).await;
        connection.send(part).await;
    }
    let answer = connection.answer().await;
    assert_eq!((answer.status(), answer.closes()), (404, false));
    expect_health(&mut connection).await;
}

#[tokio::test]
async fn a_refused_body_that_is_not_discarded_closes_the_connection() {
    let emulator = TestEmulator::new().await;
    let limits = ConnectionLimits { discard: Duration::from_millis(100), ..ConnectionLimits::default() };
    let served = Served::new(emulator.router(), limits).await;
    let begun = Instant::now();
    for (head, body) in [
        // Too large to be discarded, not sent before `100 Continue`, not sent at all, and malformed.
        (post("/v1/nothing", 100_000_000, ""), ""),
        (post("/v1/nothing", 10, "expect: 100-continue\r\n"), ""),
        (post("/v1/nothing", 10, ""), "x"),
        ("POST /v1/nothing HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(), "zz\r\n"),
    ] {
        let mut connection = served.connect().await;
        connection.send(head + body).await;
        let answer = connection.answer().await;
        assert_eq!((answer.status(), answer.closes()), (404, true), "{}", answer.head);
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_client_that_sends_a_large_refused_body_before_it_reads_gets_the_answer() {
    let emulator = TestEmulator::new().await;
    let limits = ConnectionLimits { linger: Duration::from_secs(10), ..ConnectionLimits::default() };
    let served = Served::new(emulator.router(), limits).await;
    let mut connection = served.connect().await;
    connection.send(post("/v1/nothing", 100_000_000, "")).await;
    let part = vec![b'x'; 1_000_000];
    for _ in 0..100 {
        connection.send(&part).await;
    }
    let answer = connection.answer().await;
    assert_eq!((answer.status(), answer.closes()), (404, true));
}
