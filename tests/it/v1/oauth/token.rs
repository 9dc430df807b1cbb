use axum::body::Body;
use axum::http::Method;
use futures_util::future::join_all;
use serde_json::json;

use crate::support::World;

const PATH: &str = "/v1/oauth/token";

#[tokio::test]
async fn a_token_is_given_as_the_vendor_gives_it_and_stored_as_its_digest() {
    let world = World::at("2024-01-01T00:00:00.700Z").await;
    let answer =
        world.client().form(PATH, "grant_type=client_credentials&scope=customers+client_events").await.expect(200);
    let (token, client) = (answer.string("/access_token"), answer.string("/client_id"));
    assert_eq!(
        answer.text,
        format!(
            r#"{{"access_token":"{token}","client_id":"{client}","expires_at":1704068100,"expires_in":900,"scope":"customers client_events","token_type":"Bearer"}}"#
        )
    );
    let again = world.client().form(PATH, "scope=api&grant_type=client_credentials").await.expect(200);
    assert_ne!(again.string("/access_token"), token);
    assert_eq!(again.string("/client_id"), client, "it is that of the key");
    let theirs = world.stranger().form(PATH, "scope=api&grant_type=client_credentials").await.expect(200);
    assert_ne!(theirs.string("/client_id"), client);
    assert_eq!(world.tables_with(&token).await, Vec::<String>::new());
    let digests: Vec<i32> =
        sqlx::query_scalar("SELECT length(token_sha256) FROM oauth_tokens").fetch_all(&world.pool).await.unwrap();
    assert_eq!(digests, [32, 32, 32]);
}

#[tokio::test]
async fn a_token_opens_the_project_of_its_key_for_a_quarter_of_an_hour() {
    let world = World::at("2024-01-01T00:00:00Z").await;
    world.client().customer(json!({"source_id": "a"})).await;
    let bearer = world.bearer(&world.client().token("api").await);
    bearer.get("/v1/customers/a").await.expect(200);
    bearer.post("/v1/customers", json!({"source_id": "b"})).await.expect(200);
    let entry = world.client().get("/v1/customers/b/activity").await.expect(200);
    let app_id = entry.string("/data/0/data/event_source/api_key/app_id");
    assert_eq!(app_id, voucherify_emulator::config::DEFAULT_APP_ID);
    let theirs = world.bearer(&world.stranger().token("api").await);
    theirs.get("/v1/customers/a").await.expect(404);
    world.clock.set("2024-01-01T00:14:59.999Z".parse().unwrap());
    bearer.get("/v1/customers/a").await.expect(200);
    world.clock.set("2024-01-01T00:15:00Z".parse().unwrap());
    let answer = bearer.get("/v1/customers/a").await.expect(401);
    assert_eq!(answer.text, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#);
}

#[tokio::test]
async fn what_is_no_token_opens_nothing() {
    let world = World::new().await;
    let token = world.client().token("api").await;
    for authorization in
        [format!("Basic {token}"), token.clone(), format!("Bearer x{token}"), "Bearer".to_owned(), "Bearer ".to_owned()]
    {
        world.caller(&[("authorization", &authorization)]).get("/v1/customers").await.expect(401);
    }
    world.caller(&[("authorization", &format!("bearer {token}"))]).get("/v1/customers").await.expect(200);
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_in_the_vendors_words() {
    let world = World::new().await;
    let client = world.client();
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
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM oauth_tokens").fetch_one(&world.pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_body_is_a_form_of_a_limited_size() {
    let world = World::new().await;
    let client = world.client();
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
async fn keys_are_needed_and_a_token_does_not_get_another() {
    let world = World::new().await;
    let fields = "grant_type=client_credentials&scope=api";
    world.caller(&[]).form(PATH, fields).await.expect(401);
    world.page().form(PATH, fields).await.expect(401);
    let bearer = world.bearer(&world.client().token("api").await);
    let answer = bearer.form(PATH, fields).await.expect(403);
    assert_eq!(answer.string("/key"), "missing_required_permission");
}

#[tokio::test]
async fn a_project_has_a_thousand_tokens_at_the_most_however_many_ask_at_once() {
    let world = World::at("2024-01-01T00:00:00Z").await;
    let client = world.client();
    client.token("api").await;
    sqlx::query(
        "INSERT INTO oauth_tokens (token_sha256, project_id, app_id, scope, expires_at)
         SELECT sha256(n::text::bytea), project_id, app_id, scope, expires_at FROM oauth_tokens, generate_series(1, 994) n",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let ask = || client.form(PATH, "grant_type=client_credentials&scope=api");
    // All of them are under way before the first is let go on: as many as there are connections, but for the holder's.
    let mut holder = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM projects FOR NO KEY UPDATE").execute(&mut *holder).await.unwrap();
    let release = async {
        World::until_waiting(&mut holder, 6).await;
        holder.rollback().await.unwrap();
    };
    let (answers, ()) = tokio::join!(join_all((0..12).map(|_| ask())), release);
    let given = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(given, 5);
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(
        refused.shape(),
        r#"{"code":400,"key":"invalid_payload","message":"Invalid payload","details":"A project must NOT have more than 1000 OAuth tokens","request_id":"<v->"}"#
    );
    world.stranger().token("api").await;
    world.clock.set("2024-01-01T00:15:00Z".parse().unwrap());
    client.token("api").await;
    let left: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM oauth_tokens t JOIN projects p ON p.id = t.project_id WHERE is_sandbox",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!(left, 1, "what has expired is removed on the way");
}

#[tokio::test]
async fn strict_keys_refuse_the_tokens_of_what_came_by_itself() {
    let world = World::new().await;
    let (own, theirs) = (world.client().token("api").await, world.stranger().token("api").await);
    world.bearer(&theirs).get("/v1/customers").await.expect(200);
    let strict = world.again(|config| config.strict_auth = true).await;
    strict.bearer(&theirs).get("/v1/customers").await.expect(401);
    strict.bearer(&own).get("/v1/customers").await.expect(200);
}
