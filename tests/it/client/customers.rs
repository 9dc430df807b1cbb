use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN};

use super::settings;
use crate::support::{TestEmulator, TestProject};

const PATH: &str = "/client/v1/customers";
const UNAUTHORIZED: &str = r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#;

#[tokio::test]
async fn the_client_side_creates_and_updates_customers_like_the_server_side() {
    let project = TestProject::new();
    let created = project.page().post(PATH, json!({"source_id": "a", "name": "A"})).await.expect(200);
    let theirs =
        project.other_project().post("/v1/customers", json!({"source_id": "a", "name": "A"})).await.expect(200);
    assert_eq!(created.shape(), theirs.shape());
    assert_eq!(project.client().get("/v1/customers/a").await.expect(200).string("/id"), created.string("/id"));
    let updated = project.page().post(PATH, json!({"source_id": "a", "phone": "1"})).await.expect(200).json();
    assert_eq!((&updated["id"], &updated["name"]), (&created.json()["id"], &json!("A")));
    assert!(updated["updated_at"].is_string());
}

#[tokio::test]
async fn the_activity_contains_the_client_key() {
    let emulator = TestEmulator::new().await;
    emulator.page().post(PATH, json!({"source_id": "a"})).await.expect(200);
    emulator.client().put("/v1/customers/a", json!({"name": "A"})).await.expect(200);
    let entries = emulator.client().get("/v1/customers/a/activity").await.expect(200).json();
    let source = |at: usize| &entries["data"][at]["data"]["event_source"];
    assert_eq!(
        source(1),
        &json!({"channel": "CLIENT_API", "api_key": {"name": "Client-side key", "app_id": DEFAULT_CLIENT_APP_ID}})
    );
    assert_eq!(source(0), &json!({"channel": "API", "api_key": {"name": "Server-side key", "app_id": DEFAULT_APP_ID}}));
}

#[tokio::test]
async fn errors_are_the_same_as_on_the_server_side() {
    let project = TestProject::new();
    let page = project.page();
    let answer = page.post(PATH, json!({"name": 1})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .name must be string");
    page.post(PATH, json!({"id": "cust_none"})).await.expect(404);
    page.call_with(Method::POST, PATH, Body::from("a=b"), &[("content-type", "text/plain")]).await.expect(415);
    page.post(PATH, json!({"name": "x".repeat(1024 * 1024)})).await.expect(413);
    let answer = page.get(PATH).await.expect(405);
    assert_eq!(answer.string("/details"), "GET is not supported by this endpoint. Did you mean POST?");
}

#[tokio::test]
async fn client_keys_and_an_origin_are_required() {
    let emulator = TestEmulator::new().await;
    let origin = ("origin", "https://shop.example");
    let (id, token) = (("x-client-application-id", DEFAULT_CLIENT_APP_ID), ("x-client-token", DEFAULT_CLIENT_TOKEN));
    for headers in [
        vec![],
        vec![origin],
        vec![id, origin],
        vec![id, token],
        vec![id, token, ("origin", "")],
        vec![id, ("x-client-token", "wrong"), origin],
        vec![("x-app-id", DEFAULT_APP_ID), ("x-app-token", DEFAULT_APP_TOKEN), origin],
    ] {
        let answer = emulator.caller(&headers).post(PATH, json!({})).await.expect(401);
        assert_eq!(answer.text, UNAUTHORIZED, "{headers:?}");
    }
    emulator.caller(&[id, token, ("origin", "http://localhost")]).post(PATH, json!({})).await.expect(200);
}

#[tokio::test]
async fn only_trusted_origins_are_accepted() {
    let emulator = TestEmulator::new().await;
    settings(&emulator, json!({"client_trusted_domains": ["https://shop.example", "*.mine.example"]})).await;
    let from = |origin: &'static str| {
        let (id, token) = (DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN);
        emulator.caller(&[("x-client-application-id", id), ("x-client-token", token), ("origin", origin)])
    };
    for (origin, status) in [
        ("https://shop.example", 200),
        ("https://a.mine.example", 200),
        ("http://shop.example", 401),
        ("https://other.example", 401),
        ("null", 401),
    ] {
        let answer = from(origin).post(PATH, json!({})).await.expect(status);
        // The header lets the page read the response, also when it is an error.
        assert_eq!(answer.header("access-control-allow-origin"), origin);
    }
    assert_eq!(emulator.client().get("/v1/customers").await.json()["total"], 2);
}

#[tokio::test]
async fn a_project_can_disable_the_creation_of_customers_by_pages() {
    let emulator = TestEmulator::new().await;
    settings(&emulator, json!({"client_create_customer_enabled": false})).await;
    let answer = emulator.page().post(PATH, json!({"source_id": "a"})).await.expect(401);
    assert_eq!(answer.text, UNAUTHORIZED);
    emulator.client().get("/v1/customers/a").await.expect(404);
    let event = json!({"event": "visit", "customer": {"source_id": "b"}});
    emulator.page().post("/client/v1/events", event).await.expect(200);
}

#[tokio::test]
async fn an_unknown_key_creates_one_project_for_the_client_side_and_the_server_side() {
    let emulator = TestEmulator::new().await;
    emulator.page_with("new", "token").post(PATH, json!({"source_id": "a"})).await.expect(200);
    emulator.client_with("new", "token").get("/v1/customers/a").await.expect(200);
    emulator.page_with("new", "other").post(PATH, json!({})).await.expect(401);
    emulator.client_with("new", "other").get("/v1/customers/a").await.expect(401);
    emulator.client().get("/v1/customers/a").await.expect(404);
    let strict = emulator.start_another(|config| config.strict_auth = true).await;
    strict.page_with("new", "token").post(PATH, json!({})).await.expect(401);
    strict.page().post(PATH, json!({})).await.expect(200);
}

#[tokio::test]
async fn client_side_requests_count_for_the_rate_limit() {
    let emulator =
        TestEmulator::with(voucherify_emulator::clock::Clock::System, |config| config.rate_limit = Some(1)).await;
    assert_eq!(emulator.page().post(PATH, json!({})).await.expect(200).header("x-rate-limit-remaining"), "0");
    let limited = emulator.page().post(PATH, json!({})).await.expect(429);
    assert_eq!(limited.header("access-control-allow-origin"), emulator.origin());
    emulator.send(Request::options(PATH).body(Body::empty()).unwrap()).await.expect(200);
}

#[tokio::test]
async fn unknown_keys_without_an_origin_create_no_project() {
    let emulator = TestEmulator::new().await;
    let keys = [("x-client-application-id", "new"), ("x-client-token", "token")];
    for origin in [None, Some(("origin", ""))] {
        let headers: Vec<_> = keys.into_iter().chain(origin).collect();
        assert_eq!(emulator.caller(&headers).post(PATH, json!({})).await.expect(401).text, UNAUTHORIZED);
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 1);
    emulator.page_with("new", "token").post(PATH, json!({})).await.expect(200);
}
