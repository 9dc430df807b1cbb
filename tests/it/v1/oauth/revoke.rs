use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{TestEmulator, TestProject};

const PATH: &str = "/v1/oauth/token/revoke";

#[tokio::test]
async fn revoked_token_is_rejected_immediately_and_by_another_instance_within_one_second() {
    let emulator = TestEmulator::new().await;
    let other_instance = emulator.start_another(|_| {}).await;
    let client = emulator.client();
    let (token, other) = (client.token("api").await, client.token("api").await);
    for emulator in [&emulator, &other_instance] {
        emulator.bearer(&token).get("/v1/customers").await.expect(200);
    }
    let answer = client.form(PATH, &format!("access_token={token}")).await.expect(204);
    assert_eq!(answer.text, "");
    emulator.bearer(&token).get("/v1/customers").await.expect(401);
    let active = client.form("/v1/oauth/introspect", &format!("access_token={token}")).await.expect(200);
    assert_eq!(active.json(), json!({"active": false}));
    emulator.bearer(&other).get("/v1/customers").await.expect(200);
    sleep(Duration::from_millis(1_050)).await;
    other_instance.bearer(&token).get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn token_that_the_project_does_not_have_returns_404_without_body() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let (revoked, expired) = (emulator.client().token("api").await, emulator.client().token("api").await);
    emulator.client().form(PATH, &format!("access_token={revoked}")).await.expect(204);
    for (client, token) in
        [(emulator.client(), "x"), (emulator.client(), &*revoked), (emulator.other_project(), &*expired)]
    {
        let answer = client.form(PATH, &format!("access_token={token}")).await.expect(404);
        assert_eq!(answer.text, "");
    }
    emulator.bearer(&expired).get("/v1/customers").await.expect(200);
    emulator.clock.set("2024-01-01T00:15:00Z".parse().unwrap());
    emulator.client().form(PATH, &format!("access_token={expired}")).await.expect(404);
}

#[tokio::test]
async fn missing_token_returns_400_and_missing_keys_return_401() {
    let project = TestProject::new();
    let answer = project.client().form(PATH, "").await.expect(400);
    assert_eq!(answer.text, r#"{"code":400,"key":"missing_parameters","message":"Missing parameters"}"#);
    project.caller(&[]).form(PATH, "access_token=x").await.expect(401);
    let token = project.client().token("api").await;
    project.bearer(&token).form(PATH, &format!("access_token={token}")).await.expect(403);
    project.client().call(Method::DELETE, PATH, None).await.expect(405);
}
