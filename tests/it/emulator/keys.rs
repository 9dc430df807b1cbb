use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_CLIENT_APP_ID};

use crate::support::{Client, TestEmulator, TestProject};

const PATH: &str = "/_emulator/keys";

async fn create(client: &Client, family: &str) -> (String, String) {
    let created = client.post(PATH, json!({"family": family})).await.expect(200);
    (created.string("/app_id"), created.string("/app_token"))
}

async fn revoke(client: &Client, family: &str, app_id: &str) {
    let answer = client.delete(&format!("{PATH}/{family}/{app_id}")).await.expect(204);
    assert_eq!(answer.text, "");
}

#[tokio::test]
async fn a_created_key_shows_its_token_once_and_the_token_is_not_stored() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let created = emulator.client().post(PATH, json!({"family": "client"})).await.expect(200);
    let (id, token) = (created.string("/app_id"), created.string("/app_token"));
    assert_eq!(
        created.text,
        format!(
            r#"{{"family":"client","app_id":"{id}","app_token":"{token}","provisioned":false,"created_at":"2024-01-01T00:00:00.000Z","object":"key"}}"#
        )
    );
    assert_eq!(emulator.tables_with(&token).await, Vec::<String>::new());
    let listed = emulator.client().get(PATH).await.expect(200);
    assert!(!listed.text.contains(&token) && !listed.text.contains("token"), "{}", listed.text);
}

#[tokio::test]
async fn the_keys_of_a_project_are_listed() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    emulator.clock.set("2024-01-02T00:00:00Z".parse().unwrap());
    let (id, _) = create(&emulator.client(), "server").await;
    assert_eq!(
        emulator.client().get(PATH).await.expect(200).text,
        format!(
            r#"{{"object":"list","data_ref":"data","data":[{{"family":"server","app_id":"{DEFAULT_APP_ID}","provisioned":false,"created_at":"2024-01-01T00:00:00.000Z","object":"key"}},{{"family":"client","app_id":"{DEFAULT_CLIENT_APP_ID}","provisioned":false,"created_at":"2024-01-01T00:00:00.000Z","object":"key"}},{{"family":"server","app_id":"{id}","provisioned":false,"created_at":"2024-01-02T00:00:00.000Z","object":"key"}}],"total":3}}"#
        )
    );
    let theirs = emulator.other_project().get(PATH).await.expect(200);
    assert_eq!(theirs.column("data", "app_id"), ["other", "other"]);
    assert_eq!(theirs.json()["data"][1]["provisioned"], true);
}

#[tokio::test]
async fn a_key_is_accepted_only_by_the_api_of_its_family_with_and_without_strict_auth() {
    for strict in [false, true] {
        let emulator = TestEmulator::with(Clock::System, |config| config.strict_auth = strict).await;
        emulator.client().customer(json!({"source_id": "a"})).await;
        let (server, server_token) = create(&emulator.client(), "server").await;
        let (client, client_token) = create(&emulator.client(), "client").await;
        emulator.client_with(&server, &server_token).get("/v1/customers/a").await.expect(200);
        emulator.page_with(&client, &client_token).get("/client/v1/consents").await.expect(200);
        emulator.client_with(&client, &client_token).get("/v1/customers/a").await.expect(401);
        emulator.page_with(&server, &server_token).get("/client/v1/consents").await.expect(401);
        emulator.client_with(&server, &client_token).get("/v1/customers/a").await.expect(401);
    }
}

#[tokio::test]
async fn keys_of_one_project_give_no_access_to_another() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let (id, token) = create(&emulator.other_project(), "server").await;
    let theirs = emulator.client_with(&id, &token);
    theirs.get("/v1/customers/a").await.expect(404);
    emulator.bearer(&theirs.token("api").await).get("/v1/customers/a").await.expect(404);
    let (own, _) = create(&emulator.client(), "server").await;
    for client in [&theirs, &emulator.other_project()] {
        client.delete(&format!("{PATH}/server/{own}")).await.expect(404);
        client.delete(&format!("{PATH}/server/{DEFAULT_APP_ID}")).await.expect(404);
        assert!(!client.get(PATH).await.expect(200).text.contains(&own));
    }
    emulator.client().get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn a_revoked_key_and_its_tokens_are_rejected_at_once_and_by_other_emulators_within_a_second() {
    let emulator = TestEmulator::new().await;
    let other_emulator = emulator.start_another(|_| {}).await;
    let (id, secret) = create(&emulator.client(), "server").await;
    let token = emulator.client_with(&id, &secret).token("api").await;
    let other = emulator.client().token("api").await;
    for emulator in [&emulator, &other_emulator] {
        emulator.client_with(&id, &secret).get("/v1/customers").await.expect(200);
        emulator.bearer(&token).get("/v1/customers").await.expect(200);
    }
    revoke(&emulator.client(), "server", &id).await;
    emulator.client_with(&id, &secret).get("/v1/customers").await.expect(401);
    emulator.bearer(&token).get("/v1/customers").await.expect(401);
    emulator.bearer(&other).get("/v1/customers").await.expect(200);
    let active = emulator.client().form("/v1/oauth/introspect", &format!("access_token={token}")).await.expect(200);
    assert_eq!(active.json(), json!({"active": false}));
    sleep(Duration::from_millis(1_050)).await;
    other_emulator.client_with(&id, &secret).get("/v1/customers").await.expect(401);
    other_emulator.bearer(&token).get("/v1/customers").await.expect(401);
    let tokens: i64 = sqlx::query_scalar("SELECT count(*) FROM oauth_tokens").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(tokens, 1);
}

#[tokio::test]
async fn a_cached_key_that_another_emulator_has_revoked_gets_no_token() {
    let emulator = TestEmulator::new().await;
    let other_emulator = emulator.start_another(|_| {}).await;
    let (id, secret) = create(&emulator.client(), "server").await;
    other_emulator.client_with(&id, &secret).get("/v1/customers").await.expect(200);
    revoke(&emulator.client(), "server", &id).await;
    let fields = "grant_type=client_credentials&scope=api";
    other_emulator.client_with(&id, &secret).form("/v1/oauth/token", fields).await.expect(401);
    let tokens: i64 = sqlx::query_scalar("SELECT count(*) FROM oauth_tokens").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(tokens, 0);
}

#[tokio::test]
async fn a_revoked_auto_provisioned_key_stays_revoked() {
    let emulator = TestEmulator::new().await;
    let other_client = emulator.other_project();
    other_client.customer(json!({"source_id": "a"})).await;
    revoke(&other_client, "server", "other").await;
    other_client.get("/v1/customers").await.expect(401);
    emulator.client_with("other", "another token").get("/v1/customers").await.expect(401);
    emulator.page_with("other", "token").get("/client/v1/consents").await.expect(200);
    let restarted = emulator.start_another(|_| {}).await;
    restarted.other_project().get("/v1/customers").await.expect(401);
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 2, "the rejected requests create no project");
}

#[tokio::test]
async fn a_configured_key_stays_revoked_after_a_restart() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let (id, token) = create(&emulator.client(), "server").await;
    revoke(&emulator.client(), "server", DEFAULT_APP_ID).await;
    let restarted = emulator.start_another(|_| {}).await;
    restarted.client().get("/v1/customers").await.expect(401);
    restarted.page().get("/client/v1/consents").await.expect(200);
    restarted.client_with(&id, &token).get("/v1/customers/a").await.expect(200);
    restarted.page().post("/client/v1/customers", json!({"source_id": "b"})).await.expect(200);
    restarted.client_with(&id, &token).get("/v1/customers/b").await.expect(200);
    revoke(&restarted.client_with(&id, &token), "client", DEFAULT_CLIENT_APP_ID).await;
    let last = emulator.start_another(|_| {}).await;
    last.page().get("/client/v1/consents").await.expect(401);
    last.client_with(&id, &token).get("/v1/customers/b").await.expect(200);
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 1);
}

#[tokio::test]
async fn unknown_keys_return_404() {
    let project = TestProject::new();
    let client = project.client();
    let (id, _) = create(&client, "server").await;
    for path in [format!("client/{id}"), format!("management/{id}"), format!("other/{id}"), "server/none".to_owned()] {
        let answer = client.delete(&format!("{PATH}/{path}")).await.expect(404);
        let name = path.split('/').nth(1).unwrap();
        assert_eq!(answer.string("/details"), format!("Cannot find key with id {name}"));
        assert_eq!(answer.string("/resource_type"), "key");
    }
    client.delete(&format!("{PATH}/server/%00")).await.expect(404);
    client.delete(&format!("{PATH}/server/%ff")).await.expect(404);
    revoke(&client, "server", &id).await;
    client.delete(&format!("{PATH}/server/{id}")).await.expect(404);
}

#[tokio::test]
async fn an_auto_provisioned_key_with_special_characters_can_be_revoked() {
    let emulator = TestEmulator::new().await;
    let odd = emulator.client_with("a/b%c d", "token");
    odd.get("/v1/customers").await.expect(200);
    revoke(&odd, "server", "a%2Fb%25c%20d").await;
    odd.get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn invalid_families_and_wrong_credentials_are_rejected() {
    let project = TestProject::new();
    let client = project.client();
    for (body, details) in [
        (json!({}), "Payload must have required property 'family'"),
        (json!({"family": null}), "Property .family must be string"),
        (json!({"family": 1}), "Property .family must be string"),
        (
            json!({"family": "management"}),
            "Property .family must be equal to one of the allowed values [ server, client ]",
        ),
        (json!([]), "Payload must be object"),
    ] {
        assert_eq!(client.post(PATH, body).await.expect(400).string("/details"), details);
    }
    project.caller(&[]).get(PATH).await.expect(401);
    project.page().get(PATH).await.expect(401);
    project.bearer(&client.token("api").await).get(PATH).await.expect(403);
    client.call(Method::PUT, PATH, None).await.expect(405);
}

#[tokio::test]
async fn a_project_has_at_most_100_keys_also_when_they_are_created_concurrently() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    sqlx::query(
        "INSERT INTO credentials (family, app_id, token_sha256, project_id, is_configured, created_at)
         SELECT 'client', 'k' || n, '', project_id, true, created_at
         FROM credentials, generate_series(1, 95) n WHERE family = 'server'",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let answers = join_all((0..8).map(|_| client.post(PATH, json!({"family": "server"})))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 3);
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.status, 400);
    assert_eq!(refused.string("/details"), "A project must NOT have more than 100 keys");
    assert_eq!(client.get(PATH).await.expect(200).json()["total"], Value::from(100));
    revoke(&client, "client", "k1").await;
    create(&client, "client").await;
    create(&emulator.other_project(), "server").await;
}
