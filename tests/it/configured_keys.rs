//! The keys that options configure, over several starts on one database.

use serde_json::json;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{
    Config, DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN, DEFAULT_MANAGEMENT_ID,
    DEFAULT_MANAGEMENT_TOKEN, KeyPair,
};

use crate::support::{TestEmulator, TestProject};

const KEYS: &str = "/_emulator/keys";
const PROJECTS: &str = "/management/v1/projects";

/// Returns a reference to the value of an option.
type OptionValue = fn(&mut Config) -> &mut String;

/// Replaces all three configured keys.
fn replace_keys(config: &mut Config) {
    config.server_keys = KeyPair::new("mine", "server's");
    config.client_keys = KeyPair::new("my page", "client's");
    config.management_keys = KeyPair::new("me", "manager's");
}

/// Returns the ids of the sandbox projects and the number of all projects.
async fn projects(project: &TestProject) -> (Vec<String>, i64) {
    let listed = project.manager_with("me", "manager's").get(PROJECTS).await.expect(200).json();
    let sandboxes = listed["data"].as_array().unwrap().iter().filter(|project| project["is_sandbox"] == true);
    (sandboxes.map(|project| project["id"].as_str().unwrap().to_owned()).collect(), listed["total"].as_i64().unwrap())
}

#[tokio::test]
async fn keys_that_are_no_longer_configured_are_rejected_until_they_are_configured_again() {
    for strict in [false, true] {
        let emulator = TestEmulator::with(Clock::System, |config| config.strict_auth = strict).await;
        emulator.client().customer(json!({"source_id": "a"})).await;
        let token = emulator.client().token("api").await;
        let changed = emulator.start_another(replace_keys).await;
        changed.client_with("mine", "server's").get("/v1/customers/a").await.expect(404);
        changed.page_with("my page", "client's").get("/client/v1/consents").await.expect(200);
        let (_, before) = projects(&changed).await;
        changed.client().get("/v1/customers").await.expect(401);
        changed.bearer(&token).get("/v1/customers").await.expect(401);
        changed.page().get("/client/v1/consents").await.expect(401);
        changed.manager().get(PROJECTS).await.expect(401);
        // The APIs of the other key families reject them too.
        changed.client_with(DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN).get("/v1/customers").await.expect(401);
        changed.page_with(DEFAULT_APP_ID, DEFAULT_APP_TOKEN).get("/client/v1/consents").await.expect(401);
        assert_eq!(projects(&changed).await.1, before, "the rejected requests create no project");
        let restarted = emulator.start_another(|_| {}).await;
        restarted.client().get("/v1/customers/a").await.expect(200);
        restarted.bearer(&token).get("/v1/customers/a").await.expect(200);
        restarted.page().get("/client/v1/consents").await.expect(200);
        restarted.manager().get(PROJECTS).await.expect(200);
        restarted.client_with("mine", "server's").get("/v1/customers").await.expect(401);
    }
}

#[tokio::test]
async fn each_configured_key_can_be_replaced_separately() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let changed = emulator.start_another(|config| config.client_keys = KeyPair::new("my page", "client's")).await;
    changed.client().get("/v1/customers/a").await.expect(200);
    changed.page().get("/client/v1/consents").await.expect(401);
    changed.page_with("my page", "client's").post("/client/v1/customers", json!({"source_id": "b"})).await.expect(200);
    changed.client().get("/v1/customers/b").await.expect(200);
    // The old key is still listed and can be revoked permanently.
    let listed = changed.client().get(KEYS).await.expect(200).column("data", "app_id");
    assert!(listed.contains(&DEFAULT_CLIENT_APP_ID.to_owned()), "{listed:?}");
    changed.client().delete(&format!("{KEYS}/client/{DEFAULT_CLIENT_APP_ID}")).await.expect(204);
    let restarted = emulator.start_another(|_| {}).await;
    restarted.page().get("/client/v1/consents").await.expect(401);
    restarted.client().get("/v1/customers/a").await.expect(200);
    let new_token = emulator.start_another(|config| config.server_keys.token = "other".to_owned()).await;
    new_token.client().get("/v1/customers/a").await.expect(401);
    new_token.client_with(DEFAULT_APP_ID, "other").get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn a_configured_client_key_belongs_to_the_project_of_the_server_key_configured_with_it() {
    let a = TestEmulator::with(Clock::System, |config| config.server_keys = KeyPair::new("team-a", "a")).await;
    let b = a.start_another(|config| config.server_keys = KeyPair::new("team-b", "b")).await;
    for (emulator, name) in [(&a, "a"), (&b, "b"), (&a, "c"), (&b, "d")] {
        emulator.page().post("/client/v1/customers", json!({"source_id": name})).await.expect(200);
    }
    let (of_a, of_b) = (a.client_with("team-a", "a"), b.client_with("team-b", "b"));
    for (client, own, other) in [(&of_a, ["a", "c"], ["b", "d"]), (&of_b, ["b", "d"], ["a", "c"])] {
        for name in own {
            client.get(&format!("/v1/customers/{name}")).await.expect(200);
        }
        for name in other {
            client.get(&format!("/v1/customers/{name}")).await.expect(404);
        }
        assert_eq!(client.get(KEYS).await.json()["total"], 2);
    }
    // An emulator rejects the server key that only the options of the other emulator configure.
    b.client_with("team-a", "a").get("/v1/customers").await.expect(401);
    of_a.delete(&format!("{KEYS}/client/{DEFAULT_CLIENT_APP_ID}")).await.expect(204);
    a.page().get("/client/v1/consents").await.expect(401);
    b.page().get("/client/v1/consents").await.expect(200);
}

#[tokio::test]
async fn the_project_of_the_configured_server_key_is_the_sandbox() {
    let emulator = TestEmulator::new().await;
    emulator.client_with("mine", "server's").customer(json!({"source_id": "a"})).await;
    let auto_provisioned = emulator.start_another(replace_keys).await;
    let id = auto_provisioned.client_with("mine", "server's").get("/_emulator/project").await.expect(200).string("/id");
    assert_eq!(projects(&auto_provisioned).await, (vec![id.clone()], 2));
    auto_provisioned.client_with("mine", "server's").get("/v1/customers/a").await.expect(200);
    let manager = auto_provisioned.manager_with("me", "manager's");
    manager.delete(&format!("{PROJECTS}/{id}")).await.expect(403);
    let body = json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let created = manager.post(PROJECTS, body).await.expect(200);
    let key = |name: &str| created.string(&format!("/server_side_key/{name}"));
    let of_created = emulator
        .start_another(|config| {
            replace_keys(config);
            config.server_keys = KeyPair::new(key("app_id"), key("app_token"));
        })
        .await;
    assert_eq!(projects(&of_created).await, (vec![created.string("/id")], 3));
    // A created key is accepted without an option.
    emulator.client_with(&key("app_id"), &key("app_token")).get("/v1/customers").await.expect(200);
    of_created
        .page_with("my page", "client's")
        .post("/client/v1/customers", json!({"source_id": "b"}))
        .await
        .expect(200);
    emulator.client_with(&key("app_id"), &key("app_token")).get("/v1/customers/b").await.expect(200);
    let default_again = emulator.start_another(|config| config.management_keys = KeyPair::new("me", "manager's")).await;
    let id = default_again.client().get("/_emulator/project").await.expect(200).string("/id");
    assert_eq!(projects(&default_again).await, (vec![id], 3));
}

#[tokio::test]
async fn concurrent_starts_create_one_sandbox_project() {
    let emulator = TestEmulator::new().await;
    sqlx::raw_sql("DELETE FROM credentials; DELETE FROM projects").execute(&emulator.pool).await.unwrap();
    emulator.start_concurrently(6).await;
    let (all, sandboxes, keys): (i64, i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE is_sandbox), (SELECT count(*) FROM credentials) FROM projects",
    )
    .fetch_one(&emulator.pool)
    .await
    .unwrap();
    assert_eq!((all, sandboxes, keys), (1, 1, 3));
}

#[tokio::test]
async fn an_option_cannot_configure_a_key_that_was_created_for_another_project() {
    let emulator = TestEmulator::new().await;
    let created = emulator.other_project().post(KEYS, json!({"family": "client"})).await.expect(200);
    let (id, token) = (created.string("/app_id"), created.string("/app_token"));
    let error = emulator.startup_error(|config| config.client_keys = KeyPair::new(&id, &token)).await;
    assert!(error.starts_with("--client-app-id names a client key that was created for another project"), "{error}");
    assert!(!error.contains(&token), "{error}");
    emulator.page_with(&id, &token).post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    emulator.other_project().get("/v1/customers/a").await.expect(200);
    // An option may configure a key that was created for the default project.
    let own = emulator.client().post(KEYS, json!({"family": "client"})).await.expect(200);
    let (id, token) = (own.string("/app_id"), own.string("/app_token"));
    let configured = emulator.start_another(|config| config.client_keys = KeyPair::new(&id, &token)).await;
    configured.page_with(&id, &token).get("/client/v1/consents").await.expect(200);
    // The configured management key would have no access to a project of another organisation.
    let body = json!({"name": "Theirs", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let theirs = emulator.other_manager().post(PROJECTS, body).await.expect(200);
    let (id, token) = (theirs.string("/server_side_key/app_id"), theirs.string("/server_side_key/app_token"));
    let error = emulator.startup_error(|config| config.server_keys = KeyPair::new(&id, &token)).await;
    assert!(error.starts_with("--app-id names a server key") && !error.contains(&token), "{error}");
}

#[tokio::test]
async fn options_can_configure_auto_provisioned_keys() {
    let emulator = TestEmulator::new().await;
    emulator.page_with("my page", "client's").post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    emulator.manager_with("me", "manager's").get(PROJECTS).await.expect(200);
    let configured = emulator
        .start_another(|config| {
            config.client_keys = KeyPair::new("my page", "client's");
            config.management_keys = KeyPair::new("me", "other");
        })
        .await;
    configured
        .page_with("my page", "client's")
        .post("/client/v1/customers", json!({"source_id": "b"}))
        .await
        .expect(200);
    configured.client().get("/v1/customers/b").await.expect(200);
    configured.manager_with("me", "manager's").get(PROJECTS).await.expect(401);
    assert_eq!(configured.manager_with("me", "other").get(PROJECTS).await.expect(200).json()["total"], 2);
}

#[tokio::test]
async fn a_created_or_configured_key_is_accepted_only_by_the_api_of_its_family() {
    let emulator = TestEmulator::new().await;
    let created = emulator.client().post(KEYS, json!({"family": "server"})).await.expect(200);
    let (id, token) = (created.string("/app_id"), created.string("/app_token"));
    for (id, token) in [
        (id.as_str(), token.as_str()),
        (DEFAULT_APP_ID, DEFAULT_APP_TOKEN),
        (DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN),
    ] {
        emulator.manager_with(id, token).get(PROJECTS).await.expect(401);
    }
    emulator.client_with(DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN).get("/v1/customers").await.expect(401);
    emulator.page_with(DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN).get("/client/v1/consents").await.expect(401);
    // One key pair can be auto-provisioned for several families.
    emulator.client_with("same", "token").get("/v1/customers").await.expect(200);
    emulator.manager_with("same", "token").get(PROJECTS).await.expect(200);
}

#[tokio::test]
async fn the_start_fails_for_keys_that_no_request_can_send() {
    let emulator = TestEmulator::new().await;
    let cases: [(&str, OptionValue); 6] = [
        ("--app-id", |config| &mut config.server_keys.id),
        ("--app-token", |config| &mut config.server_keys.token),
        ("--client-app-id", |config| &mut config.client_keys.id),
        ("--client-token", |config| &mut config.client_keys.token),
        ("--management-id", |config| &mut config.management_keys.id),
        ("--management-token", |config| &mut config.management_keys.token),
    ];
    for (option, member) in cases {
        for value in ["", " padded", "schlüssel", "line\nline", &"x".repeat(201)] {
            let error = emulator.startup_error(|config| value.clone_into(member(config))).await;
            let expected = "must have 1 to 200 printable ASCII characters, and no blank before or after them";
            assert_eq!(error, format!("{option} {expected}"));
        }
    }
    emulator.start_another(|config| config.server_keys.token = "x".repeat(200)).await;
}
