use std::time::Duration;

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_CLIENT_APP_ID};

use crate::support::{Client, World};

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
async fn a_pair_is_made_and_its_token_is_shown_once() {
    let world = World::at("2024-01-01T00:00:00Z").await;
    let created = world.client().post(PATH, json!({"family": "client"})).await.expect(200);
    let (id, token) = (created.string("/app_id"), created.string("/app_token"));
    assert_eq!(
        created.text,
        format!(
            r#"{{"family":"client","app_id":"{id}","app_token":"{token}","provisioned":false,"created_at":"2024-01-01T00:00:00.000Z","object":"key"}}"#
        )
    );
    assert_eq!(world.tables_with(&token).await, Vec::<String>::new());
    let listed = world.client().get(PATH).await.expect(200);
    assert!(!listed.text.contains(&token) && !listed.text.contains("token"), "{}", listed.text);
}

#[tokio::test]
async fn the_keys_of_a_project_are_listed() {
    let world = World::at("2024-01-01T00:00:00Z").await;
    world.clock.set("2024-01-02T00:00:00Z".parse().unwrap());
    let (id, _) = create(&world.client(), "server").await;
    assert_eq!(
        world.client().get(PATH).await.expect(200).text,
        format!(
            r#"{{"object":"list","data_ref":"data","data":[{{"family":"server","app_id":"{DEFAULT_APP_ID}","provisioned":false,"created_at":"2024-01-01T00:00:00.000Z","object":"key"}},{{"family":"client","app_id":"{DEFAULT_CLIENT_APP_ID}","provisioned":false,"created_at":"2024-01-01T00:00:00.000Z","object":"key"}},{{"family":"server","app_id":"{id}","provisioned":false,"created_at":"2024-01-02T00:00:00.000Z","object":"key"}}],"total":3}}"#
        )
    );
    let theirs = world.stranger().get(PATH).await.expect(200);
    assert_eq!(theirs.column("data", "app_id"), ["stranger", "stranger"]);
    assert_eq!(theirs.json()["data"][1]["provisioned"], true);
}

#[tokio::test]
async fn a_pair_opens_its_project_by_its_own_door_only_also_where_keys_are_strict() {
    for strict in [false, true] {
        let world = World::with(Clock::System, |config| config.strict_auth = strict).await;
        world.client().customer(json!({"source_id": "a"})).await;
        let (server, server_token) = create(&world.client(), "server").await;
        let (client, client_token) = create(&world.client(), "client").await;
        world.client_with(&server, &server_token).get("/v1/customers/a").await.expect(200);
        world.page_with(&client, &client_token).get("/client/v1/consents").await.expect(200);
        world.client_with(&client, &client_token).get("/v1/customers/a").await.expect(401);
        world.page_with(&server, &server_token).get("/client/v1/consents").await.expect(401);
        world.client_with(&server, &client_token).get("/v1/customers/a").await.expect(401);
    }
}

#[tokio::test]
async fn the_pairs_of_one_project_open_nothing_in_another() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a"})).await;
    let (id, token) = create(&world.stranger(), "server").await;
    let theirs = world.client_with(&id, &token);
    theirs.get("/v1/customers/a").await.expect(404);
    world.bearer(&theirs.token("api").await).get("/v1/customers/a").await.expect(404);
    let (own, _) = create(&world.client(), "server").await;
    for client in [&theirs, &world.stranger()] {
        client.delete(&format!("{PATH}/server/{own}")).await.expect(404);
        client.delete(&format!("{PATH}/server/{DEFAULT_APP_ID}")).await.expect(404);
        assert!(!client.get(PATH).await.expect(200).text.contains(&own));
    }
    world.client().get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn a_revoked_key_stops_at_once_with_its_tokens_and_elsewhere_within_a_second() {
    let world = World::new().await;
    let elsewhere = world.again(|_| {}).await;
    let (id, secret) = create(&world.client(), "server").await;
    let token = world.client_with(&id, &secret).token("api").await;
    let other = world.client().token("api").await;
    for world in [&world, &elsewhere] {
        world.client_with(&id, &secret).get("/v1/customers").await.expect(200);
        world.bearer(&token).get("/v1/customers").await.expect(200);
    }
    revoke(&world.client(), "server", &id).await;
    world.client_with(&id, &secret).get("/v1/customers").await.expect(401);
    world.bearer(&token).get("/v1/customers").await.expect(401);
    world.bearer(&other).get("/v1/customers").await.expect(200);
    let active = world.client().form("/v1/oauth/introspect", &format!("access_token={token}")).await.expect(200);
    assert_eq!(active.json(), json!({"active": false}));
    sleep(Duration::from_millis(1_050)).await;
    elsewhere.client_with(&id, &secret).get("/v1/customers").await.expect(401);
    elsewhere.bearer(&token).get("/v1/customers").await.expect(401);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM oauth_tokens").fetch_one(&world.pool).await.unwrap();
    assert_eq!(left, 1);
}

#[tokio::test]
async fn a_key_that_was_revoked_elsewhere_a_moment_ago_gets_no_token() {
    let world = World::new().await;
    let elsewhere = world.again(|_| {}).await;
    let (id, secret) = create(&world.client(), "server").await;
    elsewhere.client_with(&id, &secret).get("/v1/customers").await.expect(200);
    revoke(&world.client(), "server", &id).await;
    let fields = "grant_type=client_credentials&scope=api";
    elsewhere.client_with(&id, &secret).form("/v1/oauth/token", fields).await.expect(401);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM oauth_tokens").fetch_one(&world.pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_revoked_pair_never_opens_anything_again() {
    let world = World::new().await;
    let stranger = world.stranger();
    stranger.customer(json!({"source_id": "a"})).await;
    revoke(&stranger, "server", "stranger").await;
    stranger.get("/v1/customers").await.expect(401);
    world.client_with("stranger", "another token").get("/v1/customers").await.expect(401);
    world.page_with("stranger", "stranger's token").get("/client/v1/consents").await.expect(200);
    let again = world.again(|_| {}).await;
    again.stranger().get("/v1/customers").await.expect(401);
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&world.pool).await.unwrap();
    assert_eq!(projects, 2, "no project came of the attempts");
}

#[tokio::test]
async fn a_configured_key_stays_revoked_when_the_emulator_starts_again() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a"})).await;
    let (id, token) = create(&world.client(), "server").await;
    revoke(&world.client(), "server", DEFAULT_APP_ID).await;
    let again = world.again(|_| {}).await;
    again.client().get("/v1/customers").await.expect(401);
    again.page().get("/client/v1/consents").await.expect(200);
    again.client_with(&id, &token).get("/v1/customers/a").await.expect(200);
    again.page().post("/client/v1/customers", json!({"source_id": "b"})).await.expect(200);
    again.client_with(&id, &token).get("/v1/customers/b").await.expect(200);
    revoke(&again.client_with(&id, &token), "client", DEFAULT_CLIENT_APP_ID).await;
    let last = world.again(|_| {}).await;
    last.page().get("/client/v1/consents").await.expect(401);
    last.client_with(&id, &token).get("/v1/customers/b").await.expect(200);
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&world.pool).await.unwrap();
    assert_eq!(projects, 1);
}

#[tokio::test]
async fn an_unknown_key_is_not_found() {
    let world = World::new().await;
    let client = world.client();
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
async fn an_id_that_came_by_itself_is_found_whatever_is_in_it() {
    let world = World::new().await;
    let odd = world.client_with("a/b%c d", "token");
    odd.get("/v1/customers").await.expect(200);
    revoke(&odd, "server", "a%2Fb%25c%20d").await;
    odd.get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let world = World::new().await;
    let client = world.client();
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
    world.caller(&[]).get(PATH).await.expect(401);
    world.page().get(PATH).await.expect(401);
    world.bearer(&client.token("api").await).get(PATH).await.expect(403);
    client.call(Method::PUT, PATH, None).await.expect(405);
}

#[tokio::test]
async fn a_project_has_a_hundred_keys_at_the_most_however_many_are_made_at_once() {
    let world = World::new().await;
    let client = world.client();
    sqlx::query(
        "INSERT INTO credentials (family, app_id, token_sha256, project_id, is_configured, created_at)
         SELECT 'client', 'k' || n, '', project_id, true, created_at
         FROM credentials, generate_series(1, 95) n WHERE family = 'server'",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let made = join_all((0..8).map(|_| client.post(PATH, json!({"family": "server"})))).await;
    assert_eq!(made.iter().filter(|answer| answer.status == 200).count(), 3);
    let refused = made.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.status, 400);
    assert_eq!(refused.string("/details"), "A project must NOT have more than 100 keys");
    assert_eq!(client.get(PATH).await.expect(200).json()["total"], Value::from(100));
    revoke(&client, "client", "k1").await;
    create(&client, "client").await;
    create(&world.stranger(), "server").await;
}
