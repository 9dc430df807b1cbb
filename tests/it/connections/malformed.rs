//! The answers to malformed requests, and answers that look like those.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get as on_get;
use futures_util::stream;
use serde_json::json;
use tokio::time::sleep;
use voucherify_emulator::http::ConnectionLimits;

use super::{Connection, Served, get};
use crate::support::TestEmulator;
use crate::v1::exports::run_export;

/// What hyper sends for a malformed request, as far as it can be recognised.
const LOOKALIKE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
const BAD_REQUEST: &str = r#"{"statusCode":400,"error":"Bad Request","message":"Bad Request"}"#;
const PARTS: usize = 20_000;

/// A router whose answers consist of parts that look like an error of hyper. Each part is written on its own.
fn lookalikes(with_length: bool) -> Router {
    let answer = move || async move {
        let parts = (0..PARTS).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(LOOKALIKE.as_bytes())));
        let length = (LOOKALIKE.len() * PARTS).to_string();
        let headers = if with_length { vec![(header::CONTENT_LENGTH, length)] } else { Vec::new() };
        (axum::response::AppendHeaders(headers), Body::from_stream(stream::iter(parts))).into_response()
    };
    Router::new().route("/", on_get(answer)).route("/short", on_get(|| async { "short" }))
}

async fn expect_bad_request(connection: &mut Connection) {
    let answer = connection.answer().await;
    assert_eq!((answer.status(), answer.text(), answer.closes()), (400, BAD_REQUEST, true), "{}", answer.head);
    assert_eq!(connection.rest().await, b"", "the connection is closed");
}

#[tokio::test]
async fn an_answer_that_looks_like_an_error_is_not_changed() {
    let served = Served::new(lookalikes(true), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send(get("/")).await;
    // The server has to wait for the client, and then continues at any byte.
    sleep(Duration::from_millis(100)).await;
    assert!(connection.answer().await.body == LOOKALIKE.repeat(PARTS).as_bytes());
    connection.send(get("/short")).await;
    assert_eq!(connection.answer().await.text(), "short");

    let served = Served::new(lookalikes(false), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    let all = String::from_utf8(connection.rest().await).unwrap();
    assert!(all.starts_with("HTTP/1.1 200 OK\r\n") && all.ends_with("\r\n0\r\n\r\n"));
    assert_eq!(all.matches(LOOKALIKE).count(), PARTS);
}

#[tokio::test]
async fn a_malformed_request_after_others_gets_a_json_answer() {
    let served = Served::new(lookalikes(true), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send(get("/short") + &get("/short") + "nonsense\r\n\r\n").await;
    for _ in 0..2 {
        assert_eq!(connection.answer().await.text(), "short");
    }
    expect_bad_request(&mut connection).await;

    let mut connection = served.connect().await;
    connection.send(get("/short")).await;
    assert_eq!(connection.answer().await.text(), "short");
    connection.send("nonsense\r\n\r\n").await;
    expect_bad_request(&mut connection).await;
}

#[tokio::test]
async fn http_2_gets_a_json_answer() {
    let served = Served::new(lookalikes(true), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    expect_bad_request(&mut connection).await;
}

#[tokio::test]
async fn a_malformed_request_behind_a_download_does_not_change_the_download() {
    let served = Served::new(lookalikes(true), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send(get("/") + "nonsense\r\n\r\n").await;
    sleep(Duration::from_millis(100)).await;
    assert!(connection.answer().await.body == LOOKALIKE.repeat(PARTS).as_bytes());
    expect_bad_request(&mut connection).await;
}

#[tokio::test]
async fn a_malformed_request_that_is_still_being_sent_gets_a_json_answer() {
    let served = Served::new(lookalikes(true), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send("nonsense\r\n\r\n").await;
    for _ in 0..100 {
        connection.send(vec![b'x'; 8192]).await;
    }
    expect_bad_request(&mut connection).await;
}

#[tokio::test]
async fn an_export_with_cells_that_look_like_an_error_is_whole() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let name = LOOKALIKE.repeat(8);
    let records: Vec<_> = (0..4_000).map(|number| json!({"source_id": format!("c{number}"), "name": name})).collect();
    client.done("/v1/customers/bulk/async", json!(records)).await;
    let export = run_export(&client, "customer", json!({})).await;
    let url = export["result"]["url"].as_str().unwrap();
    let path = &url[url.find("/v1").unwrap()..];
    let expected = client.get(path).await.expect(200).text;
    assert!(expected.matches(LOOKALIKE).count() > 20_000);

    let served = Served::new(emulator.router(), ConnectionLimits::default()).await;
    let mut connection = served.connect().await;
    connection.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")).await;
    sleep(Duration::from_millis(200)).await;
    let all = String::from_utf8(connection.rest().await).unwrap();
    let (_, chunks) = all.split_once("\r\n\r\n").unwrap();
    assert!(join_chunks(chunks) == expected);
}

/// Returns the content of a chunked body.
fn join_chunks(mut chunks: &str) -> String {
    let mut content = String::new();
    loop {
        let (size, rest) = chunks.split_once("\r\n").expect("a chunk");
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return content;
        }
        content.push_str(&rest[..size]);
        chunks = rest[size..].strip_prefix("\r\n").expect("the end of a chunk");
    }
}
