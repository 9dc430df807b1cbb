//! Preflight requests of browsers and CORS headers of responses.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use serde_json::json;
use voucherify_emulator::clock::Clock;

use crate::support::{TestEmulator, TestProject};

const ORIGIN: &str = "https://shop.example";

/// Returns the sorted names in the comma-separated values of a header.
fn names(headers: &HeaderMap, header: &str) -> Vec<String> {
    let mut names: Vec<_> = headers
        .get_all(header)
        .iter()
        .flat_map(|value| value.to_str().unwrap().split(','))
        .map(|name| name.trim().to_lowercase())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_preflight_request_needs_no_keys() {
    let emulator = TestEmulator::with(Clock::System, |config| config.strict_auth = true).await;
    for path in ["/client/v1/customers", "/client/v1/customers/a/consents", "/client/v1/vouchers", "/client/"] {
        let request = Request::options(path)
            .header("origin", ORIGIN)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,x-client-application-id,x-client-token")
            .header("access-control-request-private-network", "true")
            .body(Body::empty())
            .unwrap();
        let answer = emulator.send(request).await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN, "{path}");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "content-type,x-client-application-id,x-client-token"
        );
        assert_eq!(names(&answer.headers, "access-control-allow-methods"), ["delete", "get", "options", "post", "put"]);
        assert_eq!(answer.header("access-control-max-age"), "7200");
        assert!(!answer.headers.contains_key("access-control-allow-private-network"), "the page is not local");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
        for name in ["origin", "access-control-request-headers"] {
            assert!(names(&answer.headers, "vary").contains(&name.to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn only_local_pages_get_access_to_the_private_network() {
    let project = TestProject::new();
    for (origin, expected) in [
        ("http://localhost:3000", Some("true")),
        ("http://shop.test", Some("true")),
        ("https://evil.example", None),
        ("null", None),
    ] {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-private-network", "true"),
        ];
        let answer = project.caller(&headers).call(Method::OPTIONS, "/client/v1/customers", None).await.expect(200);
        let allowed = answer.headers.get("access-control-allow-private-network").map(|value| value.to_str().unwrap());
        assert_eq!(allowed, expected, "{origin}");
    }
}

#[tokio::test]
async fn every_client_side_response_has_cors_headers() {
    let emulator =
        TestEmulator::with(Clock::System, |config| config.request_timeout = Duration::from_millis(1_500)).await;
    let page = emulator.page();
    emulator.client().customer(json!({"source_id": "a"})).await;
    let large = json!({"name": "x".repeat(1024 * 1024)}).to_string();
    let mut answers = vec![
        page.post("/client/v1/customers", json!({})).await.expect(200),
        page.put("/client/v1/customers/a/consents", json!({"cnst_news": true})).await.expect(204),
        page.post("/client/v1/events", json!({})).await.expect(400),
        emulator.page_with("a", "").get("/client/v1/consents").await.expect(401),
        page.get("/client/v1/vouchers").await.expect(404),
        page.get("/client/").await.expect(404),
        page.get("/client").await.expect(404),
        page.get("/client/v1/customers/a").await.expect(404),
        page.delete("/client/v1/customers").await.expect(405),
        page.call_with(Method::GET, "/client/v1/consents", Body::empty(), &[("accept", "text/csv")]).await.expect(406),
        page.call_with(Method::POST, "/client/v1/customers", Body::from(large), &[]).await.expect(413),
        page.call_with(Method::POST, "/client/v1/events", Body::from("a"), &[("content-type", "text/plain")])
            .await
            .expect(415),
    ];
    let blocker = emulator.lock_customer("a").await;
    answers.push(page.post("/client/v1/customers", json!({"source_id": "a", "name": "A"})).await.expect(503));
    blocker.rollback().await.unwrap();
    for answer in answers {
        assert_eq!(answer.header("access-control-allow-origin"), emulator.origin(), "{}", answer.text);
        assert!(names(&answer.headers, "vary").contains(&"origin".to_owned()), "{}", answer.text);
        assert_eq!(
            names(&answer.headers, "access-control-expose-headers"),
            ["retry-after", "x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-retry", "x-rate-limit-type"]
        );
    }
}

#[tokio::test]
async fn server_side_responses_have_no_cors_headers() {
    let project = TestProject::new();
    let browser = project.caller(&[("origin", ORIGIN), ("x-app-id", "new"), ("x-app-token", "token")]);
    for path in ["/v1/customers", "/v1/consents", "/_emulator/health", "/clients", "/", "/v1/oauth/token"] {
        let answer = browser.get(path).await;
        let preflight = [("access-control-request-method", "POST")];
        let preflight_answer = browser.call_with(Method::OPTIONS, path, Body::empty(), &preflight).await;
        assert!(matches!(preflight_answer.status.as_u16(), 404 | 405), "{path}");
        for (name, _) in answer.headers.iter().chain(&preflight_answer.headers) {
            assert!(!name.as_str().starts_with("access-control-"), "{path} has {name}");
        }
    }
}

#[tokio::test]
async fn unknown_client_side_paths_return_404() {
    let project = TestProject::new();
    for path in ["/client/v1/vouchers", "/client/v1/customers/a", "/client/%ff", "/client"] {
        let answer = project.page().get(path).await.expect(404);
        assert_eq!(answer.string("/details"), format!("Nothing answers GET {path}"));
    }
}
