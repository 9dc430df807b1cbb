//! The live requests.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::Browser;
use crate::support::TestEmulator;

async fn open(emulator: &TestEmulator, path: &str, cookies: &str) -> Response<Body> {
    let request = Request::get(path).header("host", "127.0.0.1:8682").header("cookie", cookies);
    emulator.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn next(response: &mut Response<Body>) -> String {
    let frame = tokio::time::timeout(Duration::from_secs(5), response.body_mut().frame()).await.expect("an event");
    String::from_utf8(frame.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn a_stream_sends_the_row_of_each_request_that_matches() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    let page = browser.page(&format!("{path}/requests?status=4xx")).await;
    let (_, link) = page.split_once("data-live=\"").unwrap();
    let link = link.split('"').next().unwrap().replace("&#38;", "&");
    assert_eq!(link, format!("{path}/requests/stream?status=4xx"));

    let mut all = open(&emulator, &format!("{path}/requests/stream"), &browser.cookies()).await;
    let mut failed = open(&emulator, &link, &browser.cookies()).await;
    for stream in [&mut all, &mut failed] {
        assert_eq!(
            (stream.status().as_u16(), stream.headers()["content-type"].as_bytes()),
            (200, &b"text/event-stream"[..])
        );
        assert_eq!(next(stream).await, ": open\n\n");
    }
    emulator.other_project().get("/v1/segments").await.expect(200);
    client.get("/v1/orders").await.expect(200);
    client.get("/v1/%3Cscript%3E'\"").await.expect(404);
    let first = next(&mut all).await;
    assert!(
        first.starts_with("data: <tr><td>") && first.ends_with("</tr>\n\n") && first.contains("/v1/orders<"),
        "{first}"
    );
    for stream in [&mut all, &mut failed] {
        let event = next(stream).await;
        assert!(
            event.contains("/v1/%3Cscript%3E&#39;") && event.contains(&format!("href=\"{path}/requests/req_")),
            "{event}"
        );
        assert_eq!(event.matches("data: ").count(), 1, "{event}");
    }
    // Pages of the console are no requests of the project.
    browser.page(&format!("{path}/requests")).await;
    client.get("/v1/segments").await.expect(200);
    assert!(next(&mut all).await.contains("/v1/segments<"));
}

#[tokio::test]
async fn a_stream_needs_the_session_and_a_filter_that_is_valid() {
    let emulator = TestEmulator::new().await;
    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    let stream = format!("{path}/requests/stream");
    for cookies in ["", "emulator_console=abc.def"] {
        assert_eq!(open(&emulator, &stream, cookies).await.status().as_u16(), 403, "{cookies}");
    }
    browser.get(&format!("{stream}?status=x")).await.expect(400);
    let missing = open(&emulator, &stream.replace("proj_", "proj_none"), &browser.cookies()).await;
    assert_eq!(missing.status().as_u16(), 404);
}

#[tokio::test]
async fn a_stream_is_not_cut_by_the_request_timeout() {
    let clock = voucherify_emulator::clock::Clock::System;
    let emulator = TestEmulator::with(clock, |config| config.request_timeout = Duration::from_millis(500)).await;
    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    let mut stream = open(&emulator, &format!("{path}/requests/stream"), &browser.cookies()).await;
    assert_eq!(next(&mut stream).await, ": open\n\n");
    tokio::time::sleep(Duration::from_millis(800)).await;
    emulator.client().get("/v1/orders").await.expect(200);
    assert!(next(&mut stream).await.contains("/v1/orders<"));
}
