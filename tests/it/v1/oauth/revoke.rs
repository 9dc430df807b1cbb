use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use tokio::time::sleep;

use crate::support::World;

const PATH: &str = "/v1/oauth/token/revoke";

#[tokio::test]
async fn a_revoked_token_stops_at_once_and_elsewhere_within_a_second() {
    let world = World::new().await;
    let elsewhere = world.again(|_| {}).await;
    let client = world.client();
    let (token, other) = (client.token("api").await, client.token("api").await);
    for world in [&world, &elsewhere] {
        world.bearer(&token).get("/v1/customers").await.expect(200);
    }
    let answer = client.form(PATH, &format!("access_token={token}")).await.expect(204);
    assert_eq!(answer.text, "");
    world.bearer(&token).get("/v1/customers").await.expect(401);
    let active = client.form("/v1/oauth/introspect", &format!("access_token={token}")).await.expect(200);
    assert_eq!(active.json(), json!({"active": false}));
    world.bearer(&other).get("/v1/customers").await.expect(200);
    sleep(Duration::from_millis(1_050)).await;
    elsewhere.bearer(&token).get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn what_is_no_token_of_the_project_is_404_without_a_body() {
    let world = World::at("2024-01-01T00:00:00Z").await;
    let (revoked, expired) = (world.client().token("api").await, world.client().token("api").await);
    world.client().form(PATH, &format!("access_token={revoked}")).await.expect(204);
    for (client, token) in [(world.client(), "x"), (world.client(), &*revoked), (world.stranger(), &*expired)] {
        let answer = client.form(PATH, &format!("access_token={token}")).await.expect(404);
        assert_eq!(answer.text, "");
    }
    world.bearer(&expired).get("/v1/customers").await.expect(200);
    world.clock.set("2024-01-01T00:15:00Z".parse().unwrap());
    world.client().form(PATH, &format!("access_token={expired}")).await.expect(404);
}

#[tokio::test]
async fn the_token_must_be_named_by_whoever_has_keys() {
    let world = World::new().await;
    let answer = world.client().form(PATH, "").await.expect(400);
    assert_eq!(answer.text, r#"{"code":400,"key":"missing_parameters","message":"Missing parameters"}"#);
    world.caller(&[]).form(PATH, "access_token=x").await.expect(401);
    let token = world.client().token("api").await;
    world.bearer(&token).form(PATH, &format!("access_token={token}")).await.expect(403);
    world.client().call(Method::DELETE, PATH, None).await.expect(405);
}
