//! The pages that may use the built-in keys, which everybody knows.

use serde_json::json;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{
    DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN, DEFAULT_MANAGEMENT_ID,
    DEFAULT_MANAGEMENT_TOKEN, KeyPair,
};

use crate::support::{Client, TestEmulator, TestProject};

const PATH: &str = "/client/v1/customers";

fn page(project: &TestProject, (id, token): (&str, &str), origin: &str) -> Client {
    project.caller(&[("x-client-application-id", id), ("x-client-token", token), ("origin", origin)])
}

async fn project_count(emulator: &TestEmulator) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap()
}

#[tokio::test]
async fn the_built_in_keys_are_trusted_only_from_local_pages() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "alice@morgan.com", "name": "Alice"})).await;
    let keys = (DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN);
    for origin in ["https://evil.example", "null", "https://localhost.evil.example", "http://192.168.1.5:3000"] {
        let answer = page(&emulator, keys, origin).post(PATH, json!({"source_id": "alice@morgan.com"})).await;
        assert_eq!(
            answer.expect(401).text,
            r#"{"code":401,"message":"Unauthorized","details":"The built-in keys are public, so only pages of local hosts may use them. Use keys of your own, or set client_trusted_domains of the project","key":"unauthorized"}"#,
            "{origin}"
        );
    }
    for origin in
        ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]", "http://shop:80", "https://shop.test"]
    {
        page(&emulator, keys, origin).post(PATH, json!({"source_id": "alice@morgan.com"})).await.expect(200);
    }
}

#[tokio::test]
async fn the_setting_of_the_project_says_which_pages_may_use_the_built_in_keys() {
    let emulator = TestEmulator::new().await;
    let keys = (DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN);
    let set = async |body| emulator.client().put("/_emulator/project", body).await.expect(200);
    // Other settings leave the trusted domains as they are.
    let answer = set(json!({"timezone": "Europe/Vienna"})).await;
    assert_eq!(answer.json()["client_trusted_domains"], json!(["*"]));
    page(&emulator, keys, "https://shop.example").post(PATH, json!({})).await.expect(401);
    set(json!({"client_trusted_domains": ["shop.example"]})).await;
    page(&emulator, keys, "https://shop.example").post(PATH, json!({})).await.expect(200);
    page(&emulator, keys, "http://localhost:3000").post(PATH, json!({})).await.expect(401);
    set(json!({"client_trusted_domains": ["*"]})).await;
    for origin in ["https://other.example", "null"] {
        page(&emulator, keys, origin).post(PATH, json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn other_keys_are_trusted_from_every_page() {
    let emulator = TestEmulator::with(Clock::System, |config| {
        config.client_keys = KeyPair::new(DEFAULT_CLIENT_APP_ID, "a token of my own");
    })
    .await;
    let created = emulator.client().post("/_emulator/keys", json!({"family": "client"})).await.expect(200);
    let (id, token) = (created.string("/app_id"), created.string("/app_token"));
    for keys in [(DEFAULT_CLIENT_APP_ID, "a token of my own"), ("random", "token"), (&id, &token)] {
        for origin in ["https://shop.example", "null"] {
            page(&emulator, keys, origin).post(PATH, json!({})).await.expect(200);
        }
    }
    let token = emulator.client().token("client_api").await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("origin", "https://shop.example")];
    emulator.caller(&headers).post(PATH, json!({})).await.expect(200);
}

#[tokio::test]
async fn a_foreign_page_creates_no_project_with_built_in_keys_that_are_not_configured() {
    let emulator = TestEmulator::with(Clock::System, |config| {
        config.server_keys = KeyPair::new("mine", "a");
        config.client_keys = KeyPair::new("mine too", "b");
        config.management_keys = KeyPair::new("mine as well", "c");
    })
    .await;
    let pairs = [
        (DEFAULT_APP_ID, DEFAULT_APP_TOKEN),
        (DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN),
        (DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN),
    ];
    for keys in pairs {
        page(&emulator, keys, "https://evil.example").post(PATH, json!({})).await.expect(401);
    }
    assert_eq!(project_count(&emulator).await, 1);
    for (created, keys) in (2..).zip(pairs) {
        page(&emulator, keys, "http://localhost").post(PATH, json!({})).await.expect(200);
        assert_eq!(project_count(&emulator).await, created);
        page(&emulator, keys, "https://evil.example").post(PATH, json!({})).await.expect(401);
    }
}
