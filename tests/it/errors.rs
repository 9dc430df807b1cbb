//! Errors that are the same for all endpoints.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use voucherify_emulator::clock::Clock;

use crate::support::{TestEmulator, TestProject};

const UNAUTHORIZED: &str = r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#;
const MALFORMED: &str = r#"{"statusCode":400,"error":"Bad Request","message":"Invalid request payload JSON format"}"#;

#[tokio::test]
async fn missing_wrong_and_overlong_keys_return_401() {
    let emulator = TestEmulator::new().await;
    let default = voucherify_emulator::config::DEFAULT_APP_ID;
    let long = "x".repeat(201);
    for headers in [
        vec![],
        vec![("X-App-Id", default)],
        vec![("X-App-Token", "t")],
        vec![("X-App-Id", default), ("X-App-Token", "wrong")],
        vec![("X-App-Id", ""), ("X-App-Token", "")],
        vec![("X-App-Id", &long), ("X-App-Token", "t")],
        vec![("X-App-Id", "i"), ("X-App-Token", "ü")],
    ] {
        let mut request = Request::get("/v1/customers");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = emulator.send(request.body(Body::empty()).unwrap()).await.expect(401);
        assert_eq!(answer.text, UNAUTHORIZED);
    }
}

#[tokio::test]
async fn an_unknown_key_creates_a_project_that_rejects_other_tokens() {
    let project = TestProject::new();
    project.client_with("new", "token").customer(json!({"source_id": "a"})).await;
    project.client_with("new", "other").get("/v1/customers/a").await.expect(401);
    project.client_with("newer", "token").get("/v1/customers/a").await.expect(404);
    project.client_with("new", "token").get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn strict_auth_rejects_unknown_keys() {
    let emulator = TestEmulator::with(Clock::System, |config| config.strict_auth = true).await;
    emulator.client().get("/v1/customers").await.expect(200);
    assert_eq!(emulator.other_project().get("/v1/customers").await.expect(401).text, UNAUTHORIZED);
}

#[tokio::test]
async fn configured_keys_replace_the_default_keys() {
    let emulator = TestEmulator::with(Clock::System, |config| {
        config.server_keys.id = "mine".to_owned();
        config.server_keys.token = "secret".to_owned();
        config.strict_auth = true;
    })
    .await;
    emulator.client_with("mine", "secret").get("/v1/customers").await.expect(200);
    emulator.client().get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn malformed_bodies_get_the_error_form_of_the_vendors_framework() {
    let project = TestProject::new();
    let deep = "[".repeat(200) + &"]".repeat(200);
    for body in [
        &b"{"[..],
        b"nonsense",
        b"{\"a\":1}{",
        b"{'a':1}",
        b"\xff\xfe",
        b"{\"name\":\"\xff\"}",
        b"{\"name\":\"\\ud800\"}",
        b"\0",
        b" ",
        b"1e999",
        deep.as_bytes(),
    ] {
        let body = Body::from(body.to_vec());
        let headers = [("content-type", "application/json")];
        let answer = project.client().call_with(Method::POST, "/v1/customers", body, &headers).await.expect(400);
        assert_eq!(answer.text, MALFORMED);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_returns_413() {
    let project = TestProject::new();
    let body = json!({"metadata": {"x": "x".repeat(1024 * 1024)}});
    let answer = project.client().post("/v1/customers", body).await.expect(413);
    assert_eq!(
        answer.text,
        r#"{"statusCode":413,"error":"Request Entity Too Large","message":"Payload content length greater than maximum allowed: 1048576"}"#
    );
}

#[tokio::test]
async fn only_json_is_accepted_and_a_body_without_a_content_type_is_json() {
    let project = TestProject::new();
    let client = project.client();
    for (media, status) in [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/json", 200),
        ("application/JSON; charset=utf-8", 200),
        ("application/vnd.api+json", 200),
    ] {
        let headers = [("content-type", media)];
        let answer = client.call_with(Method::POST, "/v1/customers", Body::from("{}"), &headers).await.expect(status);
        if status == 415 {
            assert_eq!(
                answer.text,
                r#"{"statusCode":415,"error":"Unsupported Media Type","message":"Unsupported Media Type"}"#
            );
        }
    }
    client.call_with(Method::POST, "/v1/customers", Body::from("{}"), &[]).await.expect(200);
}

#[tokio::test]
async fn an_accept_header_without_json_returns_406() {
    let project = TestProject::new();
    let headers = [("accept", "text/csv")];
    let answer = project.client().call_with(Method::GET, "/v1/customers", Body::empty(), &headers).await.expect(406);
    assert_eq!(
        answer.shape(),
        r#"{"code":406,"key":"not_acceptable","message":"Not acceptable","details":"The answer is application/json, which the Accept header excludes","request_id":"<v->"}"#
    );
}

#[tokio::test]
async fn an_unsupported_method_returns_405_with_the_supported_methods() {
    let project = TestProject::new();
    let answer = project.client().put("/v1/customers", json!({})).await.expect(405);
    assert_eq!(
        answer.text,
        r#"{"code":405,"message":"HTTP Method Not Allowed","details":"PUT is not supported by this endpoint. Did you mean GET or POST?"}"#
    );
    assert_eq!(answer.header("allow"), "GET, POST");
    let answer = project.client().post("/v1/customers/a", json!({})).await.expect(405);
    assert!(answer.text.contains("POST is not supported by this endpoint. Did you mean GET, PUT or DELETE?"));
    let answer = project.client().call(Method::PATCH, "/v1/events", None).await.expect(405);
    assert!(answer.text.contains("Did you mean POST?"));
}

#[tokio::test]
async fn unknown_paths_return_404() {
    let project = TestProject::new();
    for path in
        ["/", "/v1", "/v1/vouchers", "/v1/customers//", "/v1/customers/a/b/c", "/v2/customers", "//", "/%00", "/%ff"]
    {
        let error = project.client().get(path).await.expect(404).json();
        assert_eq!((&error["code"], &error["key"]), (&json!(404), &json!("not_found")));
        assert_eq!(error["details"], format!("Nothing answers GET {path}"));
    }
}

#[tokio::test]
async fn a_head_request_gets_the_response_of_get_without_the_body() {
    let project = TestProject::new();
    let answer = project.client().call(Method::HEAD, "/v1/customers", None).await.expect(200);
    assert_eq!((answer.text.as_str(), answer.header("content-type")), ("", "application/json; charset=utf-8"));
}

#[tokio::test]
async fn rate_limit_headers_are_sent_and_no_limit_applies_by_default() {
    let emulator = TestEmulator::at("2024-01-01T00:00:15Z").await;
    for _ in 0..2 {
        let answer = emulator.client().get("/v1/customers").await.expect(200);
        assert_eq!(answer.header("x-rate-limit-limit"), "1000000");
        assert_eq!(answer.header("x-rate-limit-remaining"), "1000000");
        assert_eq!(answer.header("x-rate-limit-retry"), "1704067260");
        assert_eq!(answer.header("x-rate-limit-type"), "api_calls");
        assert!(!answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_rate_limit_counts_the_requests_of_a_project_in_a_minute() {
    let clock = Clock::fixed("2024-01-01T00:00:15Z".parse().unwrap());
    let emulator = TestEmulator::with(clock, |config| config.rate_limit = Some(2)).await;
    for remaining in ["1", "0"] {
        let answer = emulator.client().get("/v1/customers").await.expect(200);
        assert_eq!(answer.header("x-rate-limit-remaining"), remaining);
        assert!(!answer.headers.contains_key("retry-after"));
    }
    let answer = emulator.client().get("/v1/customers").await.expect(429);
    assert_eq!(answer.text, r#"{"code":429,"message":"Too many requests hit the API too quickly."}"#);
    assert_eq!((answer.header("retry-after"), answer.header("x-rate-limit-remaining")), ("45", "0"));
    emulator.other_project().get("/v1/customers").await.expect(200);
    emulator.clock.set("2024-01-01T00:01:00Z".parse().unwrap());
    emulator.client().get("/v1/customers").await.expect(200);
}

#[tokio::test]
async fn strict_auth_rejects_keys_that_were_auto_provisioned_before() {
    let emulator = TestEmulator::new().await;
    emulator.other_project().get("/v1/customers").await.expect(200);
    let strict = emulator.start_another(|config| config.strict_auth = true).await;
    strict.other_project().get("/v1/customers").await.expect(401);
    strict.client().get("/v1/customers").await.expect(200);
}

#[tokio::test]
async fn a_request_over_the_time_limit_returns_503_and_still_completes() {
    let emulator =
        TestEmulator::with(Clock::System, |config| config.request_timeout = Duration::from_millis(1_500)).await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM customers WHERE project_id = 1 FOR UPDATE").execute(&mut *blocker).await.unwrap();
    let answer = emulator.client().put("/v1/customers/a", json!({"name": "A"})).await.expect(503);
    assert_eq!(answer.string("/details"), "The request took longer than 1.5 s");
    blocker.rollback().await.unwrap();
    for _ in 0..100 {
        if emulator.client().get("/v1/customers/a").await.json()["name"] == "A" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the change was lost");
}

#[tokio::test]
async fn an_internal_error_returns_500_without_details() {
    let emulator = TestEmulator::new().await;
    emulator.client().get("/v1/customers").await.expect(200);
    sqlx::query("ALTER TABLE customers RENAME TO hidden").execute(&emulator.pool).await.unwrap();
    let answer = emulator.client().get("/v1/customers/secret").await.expect(500);
    assert_eq!(
        answer.shape(),
        r#"{"code":500,"key":"internal_server_error","message":"Internal Server Error","request_id":"<v->"}"#
    );
}
