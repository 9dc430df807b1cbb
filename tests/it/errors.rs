//! What is wrong whichever endpoint is called.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use voucherify_emulator::clock::Clock;

use crate::support::World;

const UNAUTHORIZED: &str = r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#;
const MALFORMED: &str = r#"{"statusCode":400,"error":"Bad Request","message":"Invalid request payload JSON format"}"#;

#[tokio::test]
async fn missing_wrong_and_overlong_keys_are_refused() {
    let world = World::new().await;
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
        let answer = world.send(request.body(Body::empty()).unwrap()).await.expect(401);
        assert_eq!(answer.text, UNAUTHORIZED);
    }
}

#[tokio::test]
async fn an_unknown_pair_gets_a_project_which_the_same_id_with_another_token_does_not_open() {
    let world = World::new().await;
    world.client_with("new", "token").customer(json!({"source_id": "a"})).await;
    world.client_with("new", "other").get("/v1/customers/a").await.expect(401);
    world.client_with("newer", "token").get("/v1/customers/a").await.expect(404);
    world.client_with("new", "token").get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn strict_keys_open_nothing_new() {
    let world = World::with(Clock::System, |config| config.strict_auth = true).await;
    world.client().get("/v1/customers").await.expect(200);
    assert_eq!(world.stranger().get("/v1/customers").await.expect(401).text, UNAUTHORIZED);
}

#[tokio::test]
async fn configured_keys_open_the_default_project() {
    let world = World::with(Clock::System, |config| {
        config.server_keys.id = "mine".to_owned();
        config.server_keys.token = "secret".to_owned();
        config.strict_auth = true;
    })
    .await;
    world.client_with("mine", "secret").get("/v1/customers").await.expect(200);
    world.client().get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn malformed_bodies_are_answered_by_the_framework() {
    let world = World::new().await;
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
        let answer = world.client().call_with(Method::POST, "/v1/customers", body, &headers).await.expect(400);
        assert_eq!(answer.text, MALFORMED);
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let world = World::new().await;
    let body = json!({"metadata": {"x": "x".repeat(1024 * 1024)}});
    let answer = world.client().post("/v1/customers", body).await.expect(413);
    assert_eq!(
        answer.text,
        r#"{"statusCode":413,"error":"Request Entity Too Large","message":"Payload content length greater than maximum allowed: 1048576"}"#
    );
}

#[tokio::test]
async fn only_json_is_taken_and_a_body_without_a_type_is_json() {
    let world = World::new().await;
    let client = world.client();
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
async fn an_accept_header_without_json_is_406() {
    let world = World::new().await;
    let headers = [("accept", "text/csv")];
    let answer = world.client().call_with(Method::GET, "/v1/customers", Body::empty(), &headers).await.expect(406);
    assert_eq!(
        answer.shape(),
        r#"{"code":406,"key":"not_acceptable","message":"Not acceptable","details":"The answer is application/json, which the Accept header excludes","request_id":"<v->"}"#
    );
}

#[tokio::test]
async fn another_method_is_405_with_a_hint() {
    let world = World::new().await;
    let answer = world.client().put("/v1/customers", json!({})).await.expect(405);
    assert_eq!(
        answer.text,
        r#"{"code":405,"message":"HTTP Method Not Allowed","details":"PUT is not supported by this endpoint. Did you mean GET or POST?"}"#
    );
    assert_eq!(answer.header("allow"), "GET, POST");
    let answer = world.client().post("/v1/customers/a", json!({})).await.expect(405);
    assert!(answer.text.contains("POST is not supported by this endpoint. Did you mean GET, PUT or DELETE?"));
    let answer = world.client().call(Method::PATCH, "/v1/events", None).await.expect(405);
    assert!(answer.text.contains("Did you mean POST?"));
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let world = World::new().await;
    for path in
        ["/", "/v1", "/v1/vouchers", "/v1/customers/", "/v1/customers/a/b/c", "/v2/customers", "//", "/%00", "/%ff"]
    {
        let error = world.client().get(path).await.expect(404).json();
        assert_eq!((&error["code"], &error["key"]), (&json!(404), &json!("not_found")));
        assert_eq!(error["details"], format!("Nothing answers GET {path}"));
    }
}

#[tokio::test]
async fn a_head_is_answered_like_a_get_without_the_body() {
    let world = World::new().await;
    let answer = world.client().call(Method::HEAD, "/v1/customers", None).await.expect(200);
    assert_eq!((answer.text.as_str(), answer.header("content-type")), ("", "application/json; charset=utf-8"));
}

#[tokio::test]
async fn rate_limits_are_told_and_off_by_default() {
    let world = World::at("2024-01-01T00:00:15Z").await;
    for _ in 0..2 {
        let answer = world.client().get("/v1/customers").await.expect(200);
        assert_eq!(answer.header("x-rate-limit-limit"), "2000");
        assert_eq!(answer.header("x-rate-limit-remaining"), "2000");
        assert_eq!(answer.header("x-rate-limit-retry"), "1704067260");
        assert_eq!(answer.header("x-rate-limit-type"), "api_calls");
        assert!(!answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_rate_limit_counts_the_calls_of_a_project_in_a_minute() {
    let clock = Clock::fixed("2024-01-01T00:00:15Z".parse().unwrap());
    let world = World::with(clock, |config| config.rate_limit = Some(2)).await;
    for remaining in ["1", "0"] {
        let answer = world.client().get("/v1/customers").await.expect(200);
        assert_eq!(answer.header("x-rate-limit-remaining"), remaining);
        assert!(!answer.headers.contains_key("retry-after"));
    }
    let answer = world.client().get("/v1/customers").await.expect(429);
    assert_eq!(answer.text, r#"{"code":429,"message":"Too many requests hit the API too quickly."}"#);
    assert_eq!((answer.header("retry-after"), answer.header("x-rate-limit-remaining")), ("45", "0"));
    world.stranger().get("/v1/customers").await.expect(200);
    world.clock.set("2024-01-01T00:01:00Z".parse().unwrap());
    world.client().get("/v1/customers").await.expect(200);
}

#[tokio::test]
async fn strict_keys_refuse_what_came_by_itself_before() {
    let world = World::new().await;
    world.stranger().get("/v1/customers").await.expect(200);
    let strict = world.again(|config| config.strict_auth = true).await;
    strict.stranger().get("/v1/customers").await.expect(401);
    strict.client().get("/v1/customers").await.expect(200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_503_and_goes_on_to_its_end() {
    let world = World::with(Clock::System, |config| config.request_timeout = Duration::from_millis(1_500)).await;
    world.client().customer(json!({"source_id": "a"})).await;
    let mut holder = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM customers FOR UPDATE").execute(&mut *holder).await.unwrap();
    let answer = world.client().put("/v1/customers/a", json!({"name": "A"})).await.expect(503);
    assert_eq!(answer.string("/details"), "The request took longer than 1.5 s");
    holder.rollback().await.unwrap();
    for _ in 0..100 {
        if world.client().get("/v1/customers/a").await.json()["name"] == "A" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the change was lost");
}

#[tokio::test]
async fn an_unknown_failure_tells_nothing_of_the_inside() {
    let world = World::new().await;
    world.client().get("/v1/customers").await.expect(200);
    sqlx::query("ALTER TABLE customers RENAME TO hidden").execute(&world.pool).await.unwrap();
    let answer = world.client().get("/v1/customers/secret").await.expect(500);
    assert_eq!(
        answer.shape(),
        r#"{"code":500,"key":"internal_server_error","message":"Internal Server Error","request_id":"<v->"}"#
    );
}
