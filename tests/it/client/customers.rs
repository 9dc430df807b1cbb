use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN};

use super::settings;
use crate::support::World;

const PATH: &str = "/client/v1/customers";
const UNAUTHORIZED: &str = r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#;

#[tokio::test]
async fn a_page_creates_and_updates_a_customer_as_a_server_does() {
    let world = World::new().await;
    let created = world.page().post(PATH, json!({"source_id": "a", "name": "A"})).await.expect(200);
    let theirs = world.stranger().post("/v1/customers", json!({"source_id": "a", "name": "A"})).await.expect(200);
    assert_eq!(created.shape(), theirs.shape());
    assert_eq!(world.client().get("/v1/customers/a").await.expect(200).string("/id"), created.string("/id"));
    let updated = world.page().post(PATH, json!({"source_id": "a", "phone": "1"})).await.expect(200).json();
    assert_eq!((&updated["id"], &updated["name"]), (&created.json()["id"], &json!("A")));
    assert!(updated["updated_at"].is_string());
}

#[tokio::test]
async fn the_activity_tells_of_the_client_key() {
    let world = World::new().await;
    world.page().post(PATH, json!({"source_id": "a"})).await.expect(200);
    world.client().put("/v1/customers/a", json!({"name": "A"})).await.expect(200);
    let entries = world.client().get("/v1/customers/a/activity").await.expect(200).json();
    let source = |at: usize| &entries["data"][at]["data"]["event_source"];
    assert_eq!(
        source(1),
        &json!({"channel": "CLIENT_API", "api_key": {"name": "Client-side key", "app_id": DEFAULT_CLIENT_APP_ID}})
    );
    assert_eq!(source(0), &json!({"channel": "API", "api_key": {"name": "Server-side key", "app_id": DEFAULT_APP_ID}}));
}

#[tokio::test]
async fn what_is_wrong_is_told_as_to_a_server() {
    let world = World::new().await;
    let page = world.page();
    let answer = page.post(PATH, json!({"name": 1})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .name must be string");
    page.post(PATH, json!({"id": "cust_none"})).await.expect(404);
    page.call_with(Method::POST, PATH, Body::from("a=b"), &[("content-type", "text/plain")]).await.expect(415);
    page.post(PATH, json!({"name": "x".repeat(1024 * 1024)})).await.expect(413);
    let answer = page.get(PATH).await.expect(405);
    assert_eq!(answer.string("/details"), "GET is not supported by this endpoint. Did you mean POST?");
}

#[tokio::test]
async fn client_keys_and_an_origin_are_needed() {
    let world = World::new().await;
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
        let answer = world.caller(&headers).post(PATH, json!({})).await.expect(401);
        assert_eq!(answer.text, UNAUTHORIZED, "{headers:?}");
    }
    world.caller(&[id, token, ("origin", "null")]).post(PATH, json!({})).await.expect(200);
}

#[tokio::test]
async fn only_trusted_origins_are_let_in() {
    let world = World::new().await;
    settings(&world, json!({"client_trusted_domains": ["https://shop.example", "*.mine.example"]})).await;
    let from = |origin: &'static str| {
        let (id, token) = (DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN);
        world.caller(&[("x-client-application-id", id), ("x-client-token", token), ("origin", origin)])
    };
    for (origin, status) in [
        ("https://shop.example", 200),
        ("https://a.mine.example", 200),
        ("http://shop.example", 401),
        ("https://other.example", 401),
        ("null", 401),
    ] {
        let answer = from(origin).post(PATH, json!({})).await.expect(status);
        // The page gets to read why it was refused.
        assert_eq!(answer.header("access-control-allow-origin"), origin);
    }
    assert_eq!(world.client().get("/v1/customers").await.json()["total"], 2);
}

#[tokio::test]
async fn a_project_may_keep_pages_from_creating_customers() {
    let world = World::new().await;
    settings(&world, json!({"client_create_customer_enabled": false})).await;
    let answer = world.page().post(PATH, json!({"source_id": "a"})).await.expect(401);
    assert_eq!(answer.text, UNAUTHORIZED);
    world.client().get("/v1/customers/a").await.expect(404);
    let event = json!({"event": "visit", "customer": {"source_id": "b"}});
    world.page().post("/client/v1/events", event).await.expect(200);
}

#[tokio::test]
async fn double_opt_in_is_not_emulated_and_creates_nobody() {
    let world = World::new().await;
    let create = async |value| {
        let headers = [("content-type", "application/json"), ("x-voucherify-double-opt-in", value)];
        world.page().call_with(Method::POST, PATH, Body::from(r#"{"source_id":"a"}"#), &headers).await
    };
    let answer = create("true").await.expect(501);
    assert_eq!(
        answer.shape(),
        r#"{"code":501,"key":"not_emulated","message":"Not emulated","details":"Double opt-in (X-Voucherify-Double-Opt-In: true) is not emulated: no customer was created","request_id":"<v->"}"#
    );
    world.client().get("/v1/customers/a").await.expect(404);
    create("false").await.expect(200);
}

#[tokio::test]
async fn a_pair_that_was_never_seen_opens_one_project_by_both_doors() {
    let world = World::new().await;
    world.page_with("new", "token").post(PATH, json!({"source_id": "a"})).await.expect(200);
    world.client_with("new", "token").get("/v1/customers/a").await.expect(200);
    world.page_with("new", "other").post(PATH, json!({})).await.expect(401);
    world.client_with("new", "other").get("/v1/customers/a").await.expect(401);
    world.client().get("/v1/customers/a").await.expect(404);
    let strict = world.again(|config| config.strict_auth = true).await;
    strict.page_with("new", "token").post(PATH, json!({})).await.expect(401);
    strict.page().post(PATH, json!({})).await.expect(200);
}

#[tokio::test]
async fn the_calls_of_pages_count_for_the_rate_limit() {
    let world = World::with(voucherify_emulator::clock::Clock::System, |config| config.rate_limit = Some(1)).await;
    assert_eq!(world.page().post(PATH, json!({})).await.expect(200).header("x-rate-limit-remaining"), "0");
    let limited = world.page().post(PATH, json!({})).await.expect(429);
    assert_eq!(limited.header("access-control-allow-origin"), "https://shop.example");
    world.send(Request::options(PATH).body(Body::empty()).unwrap()).await.expect(200);
}

#[tokio::test]
async fn nothing_comes_of_a_pair_that_was_never_seen_without_an_origin() {
    let world = World::new().await;
    let pair = [("x-client-application-id", "new"), ("x-client-token", "token")];
    for origin in [None, Some(("origin", ""))] {
        let headers: Vec<_> = pair.into_iter().chain(origin).collect();
        assert_eq!(world.caller(&headers).post(PATH, json!({})).await.expect(401).text, UNAUTHORIZED);
    }
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&world.pool).await.unwrap();
    assert_eq!(projects, 1);
    world.page_with("new", "token").post(PATH, json!({})).await.expect(200);
}
