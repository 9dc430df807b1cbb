use axum::body::Body;
use axum::http::Method;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::{TestEmulator, TestProject};

const PATH: &str = "/v1/oauth/token";

#[tokio::test]
async fn token_response_matches_the_vendor_and_only_the_digest_is_stored() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00.700Z").await;
    let answer =
        emulator.client().form(PATH, "grant_type=client_credentials&scope=customers+client_events").await.expect(200);
    let (token, client) = (answer.string("/access_token"), answer.string("/client_id"));
    assert_eq!(
        answer.text,
        format!(
            r#"{{"access_token":"{token}","client_id":"{client}","expires_at":1704068100,"expires_in":900,"scope":"customers client_events","token_type":"Bearer"}}"#
        )
    );
    let again = emulator.client().form(PATH, "scope=api&grant_type=client_credentials").await.expect(200);
    assert_ne!(again.string("/access_token"), token);
    assert_eq!(again.string("/client_id"), client, "the client id belongs to the API key");
    let other = emulator.other_project().form(PATH, "scope=api&grant_type=client_credentials").await.expect(200);
    assert_ne!(other.string("/client_id"), client);
    assert_eq!(emulator.tables_with(&token).await, Vec::<String>::new());
    let digests: Vec<i32> =
        sqlx::query_scalar("SELECT length(token_sha256) FROM oauth_tokens").fetch_all(&emulator.pool).await.unwrap();
    assert_eq!(digests, [32, 32, 32]);
}

#[tokio::test]
async fn token_grants_access_to_the_project_of_its_key_for_15_minutes() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let bearer = emulator.bearer(&emulator.client().token("api").await);
    bearer.get("/v1/customers/a").await.expect(200);
    bearer.post("/v1/customers", json!({"source_id": "b"})).await.expect(200);
    let entry = emulator.client().get("/v1/customers/b/activity").await.expect(200);
    let app_id = entry.string("/data/0/data/event_source/api_key/app_id");
    assert_eq!(app_id, voucherify_emulator::config::DEFAULT_APP_ID);
    let other = emulator.bearer(&emulator.other_project().token("api").await);
    other.get("/v1/customers/a").await.expect(404);
    emulator.clock.set("2024-01-01T00:14:59.999Z".parse().unwrap());
    bearer.get("/v1/customers/a").await.expect(200);
    emulator.clock.set("2024-01-01T00:15:00Z".parse().unwrap());
    let answer = bearer.get("/v1/customers/a").await.expect(401);
    assert_eq!(answer.text, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#);
}

#[tokio::test]
async fn invalid_authorization_header_returns_401() {
    let project = TestProject::new();
    let token = project.client().token("api").await;
    for authorization in
        [format!("Basic {token}"), token.clone(), format!("Bearer x{token}"), "Bearer".to_owned(), "Bearer ".to_owned()]
    {
        project.caller(&[("authorization", &authorization)]).get("/v1/customers").await.expect(401);
    }
    project.caller(&[("authorization", &format!("bearer {token}"))]).get("/v1/customers").await.expect(200);
}

#[tokio::test]
async fn invalid_requests_return_the_vendor_error_messages() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for (fields, body) in [
        (
            "grant_type=client_credentials&scope=vouchers,campaigns",
            r#"{"code":400,"key":"invalid_scope","message":"Invalid scope: vouchers,campaigns"}"#,
        ),
        (
            "grant_type=client_credentials&scope=customers%20everything",
            r#"{"code":400,"key":"invalid_scope","message":"Invalid scope: customers everything"}"#,
        ),
        ("grant_type=password&scope=api", r#"{"code":400,"key":"invalid_grant_type","message":"Invalid grant_type"}"#),
        (
            "grant_type=password&scope=everything",
            r#"{"code":400,"key":"invalid_grant_type","message":"Invalid grant_type"}"#,
        ),
        ("scope=api", r#"{"code":400,"key":"missing_parameters","message":"Missing parameters"}"#),
        ("grant_type=client_credentials", r#"{"code":400,"key":"missing_parameters","message":"Missing parameters"}"#),
        (
            "grant_type=client_credentials&scope=",
            r#"{"code":400,"key":"missing_parameters","message":"Missing parameters"}"#,
        ),
        ("", r#"{"code":400,"key":"missing_parameters","message":"Missing parameters"}"#),
    ] {
        assert_eq!(client.form(PATH, fields).await.expect(400).text, body, "{fields}");
    }
    let long = format!("grant_type=client_credentials&scope={}", "api+".repeat(251));
    let answer = client.form(PATH, &long).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .scope must NOT have more than 1000 characters");
    let remaining: i64 =
        sqlx::query_scalar("SELECT count(*) FROM oauth_tokens").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(remaining, 0);
}

#[tokio::test]
async fn body_must_be_a_form_within_the_size_limit() {
    let project = TestProject::new();
    let client = project.client();
    let fields = "grant_type=client_credentials&scope=api";
    for (media, status) in [
        ("application/json", 415),
        ("text/plain", 415),
        ("multipart/form-data; boundary=x", 415),
        ("application/X-WWW-Form-Urlencoded; charset=UTF-8", 200),
    ] {
        client.call_with(Method::POST, PATH, Body::from(fields), &[("content-type", media)]).await.expect(status);
    }
    client.call_with(Method::POST, PATH, Body::from(fields), &[]).await.expect(200);
    let answer = client.form(PATH, &format!("{fields}&a={}", "x".repeat(64 * 1024))).await.expect(413);
    assert!(answer.text.contains("65536"), "{}", answer.text);
}

#[tokio::test]
async fn missing_keys_return_401_and_a_token_cannot_request_another_token() {
    let project = TestProject::new();
    let fields = "grant_type=client_credentials&scope=api";
    project.caller(&[]).form(PATH, fields).await.expect(401);
    project.page().form(PATH, fields).await.expect(401);
    let bearer = project.bearer(&project.client().token("api").await);
    let answer = bearer.form(PATH, fields).await.expect(403);
    assert_eq!(answer.string("/key"), "missing_required_permission");
}

#[tokio::test]
async fn concurrent_requests_cannot_exceed_1000_tokens_per_project() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = emulator.client();
    client.token("api").await;
    sqlx::query(
        "INSERT INTO oauth_tokens (token_sha256, project_id, app_id, scope, expires_at)
         SELECT sha256(n::text::bytea), project_id, app_id, scope, expires_at FROM oauth_tokens, generate_series(1, 994) n",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let request_token = || client.form(PATH, "grant_type=client_credentials&scope=api");
    // Wait until as many requests as there are connections are blocked, so that they run at the same time.
    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM projects FOR NO KEY UPDATE").execute(&mut *blocker).await.unwrap();
    let release = async {
        TestEmulator::wait_until_blocked(&mut blocker, i64::from(TestEmulator::CONNECTIONS)).await;
        blocker.rollback().await.unwrap();
    };
    let (answers, ()) = tokio::join!(join_all((0..12).map(|_| request_token())), release);
    let issued = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(issued, 5);
    let rejected = answers.iter().find(|answer| answer.status != 200).unwrap();
    insta::assert_snapshot!(rejected.snapshot(), @r#"
    {
      "code": 400,
      "key": "invalid_payload",
      "message": "Invalid payload",
      "details": "A project must NOT have more than 1000 OAuth tokens",
      "request_id": "<v->"
    }
    "#);
    emulator.other_project().token("api").await;
    emulator.clock.set("2024-01-01T00:15:00Z".parse().unwrap());
    client.token("api").await;
    let remaining: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM oauth_tokens t JOIN projects p ON p.id = t.project_id WHERE is_sandbox",
    )
    .fetch_one(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(remaining, 1, "issuing a token deletes the expired tokens");
}

#[tokio::test]
async fn strict_auth_rejects_tokens_of_automatically_created_projects() {
    let emulator = TestEmulator::new().await;
    let (own, other) = (emulator.client().token("api").await, emulator.other_project().token("api").await);
    emulator.bearer(&other).get("/v1/customers").await.expect(200);
    let strict = emulator.start_another(|config| config.strict_auth = true).await;
    strict.bearer(&other).get("/v1/customers").await.expect(401);
    strict.bearer(&own).get("/v1/customers").await.expect(200);
}
