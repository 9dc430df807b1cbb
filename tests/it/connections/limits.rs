//! Limits of time and the number of connections, and the stop of the server.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get as on_get;
use tokio::time::sleep;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::http::ConnectionLimits;

use super::{Received, Served, get, post};
use crate::support::TestEmulator;

const TOO_LATE: &str = r#"{"statusCode":408,"error":"Request Time-out","message":"Request Time-out"}"#;
const HALF_A_HEAD: &str = "GET /quick HTTP/1.1\r\nhost: local";
const SHORT: Duration = Duration::from_millis(300);

/// A router with a quick answer and a slow one.
fn router() -> Router {
    let slow = || async {
        sleep(Duration::from_millis(1_200)).await;
        "slow"
    };
    Router::new().route("/quick", on_get(|| async { "quick" })).route("/slow", on_get(slow))
}

#[track_caller]
fn assert_too_late(answer: &Received) {
    assert_eq!((answer.status(), answer.text(), answer.closes()), (408, TOO_LATE, true), "{}", answer.head);
}

#[tokio::test]
async fn a_head_that_does_not_arrive_in_time_returns_408() {
    let limits = ConnectionLimits { head: SHORT, ..ConnectionLimits::default() };
    let served = Served::new(router(), limits).await;
    let mut connection = served.connect().await;
    connection.send(get("/quick")).await;
    assert_eq!(connection.answer().await.text(), "quick");
    // The limit counts from the first byte of the head.
    sleep(SHORT * 2).await;
    let begun = Instant::now();
    for byte in HALF_A_HEAD.as_bytes() {
        connection.send([*byte]).await;
        sleep(Duration::from_millis(2)).await;
    }
    assert_too_late(&connection.answer().await);
    assert!(begun.elapsed() >= SHORT);
    assert_eq!(connection.rest().await, b"");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = ConnectionLimits { idle: SHORT, ..ConnectionLimits::default() };
    let served = Served::new(router(), limits).await;
    let (mut used, mut unused) = (served.connect().await, served.connect().await);
    // A request that takes longer is not idle.
    used.send(get("/slow")).await;
    assert_eq!(used.answer().await.text(), "slow");
    assert_eq!((used.rest().await, unused.rest().await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_body_that_makes_no_progress_returns_408() {
    let emulator = TestEmulator::new().await;
    let limits = ConnectionLimits { body_progress: SHORT, ..ConnectionLimits::default() };
    let served = Served::new(emulator.router(), limits).await;
    let multipart = "content-type: multipart/form-data; boundary=x\r\n";
    for (head, part) in [
        (post("/v1/customers", 20, ""), "{"),
        (post("/v1/customers/bulk/async", 20, ""), ""),
        (post("/v1/oauth/token", 20, "content-type: application/x-www-form-urlencoded\r\n"), "a=b"),
        (
            post("/v1/customers/importCSV", 200, multipart),
            "--x\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\na",
        ),
    ] {
        let mut connection = served.connect().await;
        connection.send(head.clone() + part).await;
        let answer = connection.answer().await;
        assert_eq!((answer.status(), answer.text(), answer.closes()), (408, TOO_LATE, true), "{head}");
        assert_eq!(connection.rest().await, b"");
    }
}

#[tokio::test]
async fn a_body_that_arrives_too_slowly_returns_408() {
    let emulator = TestEmulator::new().await;
    let limits = ConnectionLimits { body: SHORT * 2, ..ConnectionLimits::default() };
    let served = Served::new(emulator.router(), limits).await;
    let mut connection = served.connect().await;
    connection.send(post("/v1/customers", 10_000, "")).await;
    let begun = Instant::now();
    while begun.elapsed() < SHORT * 3 {
        connection.send(" ").await;
        sleep(Duration::from_millis(10)).await;
    }
    assert_too_late(&connection.answer().await);
}

#[tokio::test]
async fn the_request_timeout_counts_from_the_whole_body() {
    let emulator = TestEmulator::with(Clock::System, |config| config.request_timeout = Duration::from_secs(1)).await;
    let served = Served::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    let body = r#"{"source_id":"late"}"#;
    connection.send(post("/v1/customers", body.len(), "")).await;
    for byte in body.as_bytes() {
        sleep(Duration::from_millis(60)).await;
        connection.send([*byte]).await;
    }
    assert_eq!(connection.answer().await.status(), 200);

    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE customers").execute(&mut *blocker).await.unwrap();
    connection.send(post("/v1/customers", body.len(), "")).await;
    sleep(Duration::from_millis(1_100)).await;
    let whole = Instant::now();
    connection.send(body).await;
    assert_eq!(connection.answer().await.status(), 503);
    assert!(whole.elapsed() >= Duration::from_millis(990), "{:?}", whole.elapsed());
    blocker.rollback().await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_receive_its_answer_is_disconnected() {
    let limits = ConnectionLimits { receive: SHORT, ..ConnectionLimits::default() };
    let large = || async { "x".repeat(50_000_000) };
    let served = Served::new(router().route("/large", on_get(large)), limits).await;
    let mut connection = served.connect().await;
    connection.send(get("/large")).await;
    sleep(SHORT * 3).await;
    assert!(connection.rest().await.len() < 50_000_000);
    let mut connection = served.connect().await;
    connection.send(get("/large")).await;
    assert_eq!(connection.answer().await.body.len(), 50_000_000);
}

#[tokio::test]
async fn idle_and_half_open_connections_make_room_for_others() {
    let limits = ConnectionLimits { connections: Some(8), ..ConnectionLimits::default() };
    let served = Served::new(router(), limits).await;
    let mut slow = served.connect().await;
    slow.send(get("/slow")).await;
    let mut others = Vec::new();
    for number in 0..40 {
        let mut other = served.connect().await;
        if number % 2 == 0 {
            other.send(HALF_A_HEAD).await;
        }
        others.push(other);
    }
    let mut last = served.connect().await;
    last.send(get("/quick")).await;
    assert_eq!(last.answer().await.text(), "quick");
    assert_eq!(slow.answer().await.text(), "slow", "a connection that is served stays open");
    // The oldest ones are closed; a half-open one gets an answer before.
    assert_too_late(&others[0].answer().await);
    assert_eq!((others[0].rest().await, others[1].rest().await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn requests_without_their_bodies_make_room_for_others() {
    let emulator = TestEmulator::new().await;
    let limits = ConnectionLimits { connections: Some(4), ..ConnectionLimits::default() };
    let served = Served::new(emulator.router(), limits).await;
    let mut unfinished = Vec::new();
    for _ in 0..4 {
        let mut connection = served.connect().await;
        connection.send(post("/v1/customers", 20, "")).await;
        unfinished.push(connection);
    }
    let mut last = served.connect().await;
    last.send(get("/_emulator/health")).await;
    assert_eq!(last.answer().await.status(), 200);
    assert_too_late(&unfinished[0].answer().await);
}

#[tokio::test]
async fn a_stop_closes_idle_and_half_open_connections_at_once_and_finishes_requests() {
    let served = Served::new(router(), ConnectionLimits::default()).await;
    let (mut idle, mut half_open, mut slow) = (served.connect().await, served.connect().await, served.connect().await);
    half_open.send(HALF_A_HEAD).await;
    slow.send(get("/slow")).await;
    sleep(SHORT).await;
    let begun = Instant::now();
    let stopped = tokio::spawn(served.server.stop());
    assert_eq!((idle.rest().await, half_open.rest().await), (Vec::new(), Vec::new()));
    assert!(begun.elapsed() < SHORT, "{:?}", begun.elapsed());
    let answer = slow.answer().await;
    assert_eq!((answer.text(), answer.closes()), ("slow", true));
    stopped.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_stop_ends_requests_that_take_too_long() {
    let limits = ConnectionLimits { stop: SHORT, ..ConnectionLimits::default() };
    let served = Served::new(router(), limits).await;
    let mut slow = served.connect().await;
    slow.send(get("/slow")).await;
    sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    served.server.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(slow.rest().await, b"");
}
