//! The keys that options name, from one start to the next.

use serde_json::json;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{
    Config, DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN, DEFAULT_MANAGEMENT_ID,
    DEFAULT_MANAGEMENT_TOKEN, KeyPair,
};

use crate::support::World;

const KEYS: &str = "/_emulator/keys";
const PROJECTS: &str = "/management/v1/projects";

/// What an option says.
type Member = fn(&mut Config) -> &mut String;

fn others(config: &mut Config) {
    config.server_keys = KeyPair::new("mine", "server's");
    config.client_keys = KeyPair::new("my page", "client's");
    config.management_keys = KeyPair::new("me", "manager's");
}

/// Names of the sandbox projects and of all.
async fn projects(world: &World) -> (Vec<String>, i64) {
    let listed = world.manager_with("me", "manager's").get(PROJECTS).await.expect(200).json();
    let sandboxes = listed["data"].as_array().unwrap().iter().filter(|project| project["is_sandbox"] == true);
    (sandboxes.map(|project| project["id"].as_str().unwrap().to_owned()).collect(), listed["total"].as_i64().unwrap())
}

#[tokio::test]
async fn keys_that_are_not_named_any_more_open_nothing_until_they_are_named_again() {
    for strict in [false, true] {
        let world = World::with(Clock::System, |config| config.strict_auth = strict).await;
        world.client().customer(json!({"source_id": "a"})).await;
        let token = world.client().token("api").await;
        let changed = world.again(others).await;
        changed.client_with("mine", "server's").get("/v1/customers/a").await.expect(404);
        changed.page_with("my page", "client's").get("/client/v1/consents").await.expect(200);
        let (_, before) = projects(&changed).await;
        changed.client().get("/v1/customers").await.expect(401);
        changed.bearer(&token).get("/v1/customers").await.expect(401);
        changed.page().get("/client/v1/consents").await.expect(401);
        changed.manager().get(PROJECTS).await.expect(401);
        // Nor by other doors.
        changed.client_with(DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN).get("/v1/customers").await.expect(401);
        changed.page_with(DEFAULT_APP_ID, DEFAULT_APP_TOKEN).get("/client/v1/consents").await.expect(401);
        assert_eq!(projects(&changed).await.1, before, "and nothing came of it");
        let again = world.again(|_| {}).await;
        again.client().get("/v1/customers/a").await.expect(200);
        again.bearer(&token).get("/v1/customers/a").await.expect(200);
        again.page().get("/client/v1/consents").await.expect(200);
        again.manager().get(PROJECTS).await.expect(200);
        again.client_with("mine", "server's").get("/v1/customers").await.expect(401);
    }
}

#[tokio::test]
async fn each_key_is_replaced_for_itself() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a"})).await;
    let changed = world.again(|config| config.client_keys = KeyPair::new("my page", "client's")).await;
    changed.client().get("/v1/customers/a").await.expect(200);
    changed.page().get("/client/v1/consents").await.expect(401);
    changed.page_with("my page", "client's").post("/client/v1/customers", json!({"source_id": "b"})).await.expect(200);
    changed.client().get("/v1/customers/b").await.expect(200);
    // The old one is still shown, and can be revoked for good.
    let listed = changed.client().get(KEYS).await.expect(200).column("data", "app_id");
    assert!(listed.contains(&DEFAULT_CLIENT_APP_ID.to_owned()), "{listed:?}");
    changed.client().delete(&format!("{KEYS}/client/{DEFAULT_CLIENT_APP_ID}")).await.expect(204);
    let again = world.again(|_| {}).await;
    again.page().get("/client/v1/consents").await.expect(401);
    again.client().get("/v1/customers/a").await.expect(200);
    let token = world.again(|config| config.server_keys.token = "other".to_owned()).await;
    token.client().get("/v1/customers/a").await.expect(401);
    token.client_with(DEFAULT_APP_ID, "other").get("/v1/customers/a").await.expect(200);
}

#[tokio::test]
async fn a_page_s_key_goes_with_the_server_key_that_is_named_with_it() {
    let a = World::with(Clock::System, |config| config.server_keys = KeyPair::new("team-a", "a")).await;
    let b = a.again(|config| config.server_keys = KeyPair::new("team-b", "b")).await;
    for (world, name) in [(&a, "a"), (&b, "b"), (&a, "c"), (&b, "d")] {
        world.page().post("/client/v1/customers", json!({"source_id": name})).await.expect(200);
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
    // The key of the other emulator's options is not this one's business.
    b.client_with("team-a", "a").get("/v1/customers").await.expect(401);
    of_a.delete(&format!("{KEYS}/client/{DEFAULT_CLIENT_APP_ID}")).await.expect(204);
    a.page().get("/client/v1/consents").await.expect(401);
    b.page().get("/client/v1/consents").await.expect(200);
}

#[tokio::test]
async fn the_default_project_is_the_sandbox_wherever_its_key_came_from() {
    let world = World::new().await;
    world.client_with("mine", "server's").customer(json!({"source_id": "a"})).await;
    let came_by_itself = world.again(others).await;
    let id = came_by_itself.client_with("mine", "server's").get("/_emulator/project").await.expect(200).string("/id");
    assert_eq!(projects(&came_by_itself).await, (vec![id.clone()], 2));
    came_by_itself.client_with("mine", "server's").get("/v1/customers/a").await.expect(200);
    let manager = came_by_itself.manager_with("me", "manager's");
    manager.delete(&format!("{PROJECTS}/{id}")).await.expect(403);
    let body = json!({"name": "Team", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let created = manager.post(PROJECTS, body).await.expect(200);
    let key = |name: &str| created.string(&format!("/server_side_key/{name}"));
    let of_created = world
        .again(|config| {
            others(config);
            config.server_keys = KeyPair::new(key("app_id"), key("app_token"));
        })
        .await;
    assert_eq!(projects(&of_created).await, (vec![created.string("/id")], 3));
    // It was created, so that it needs no option.
    world.client_with(&key("app_id"), &key("app_token")).get("/v1/customers").await.expect(200);
    of_created
        .page_with("my page", "client's")
        .post("/client/v1/customers", json!({"source_id": "b"}))
        .await
        .expect(200);
    world.client_with(&key("app_id"), &key("app_token")).get("/v1/customers/b").await.expect(200);
    let back = world.again(|config| config.management_keys = KeyPair::new("me", "manager's")).await;
    let id = back.client().get("/_emulator/project").await.expect(200).string("/id");
    assert_eq!(projects(&back).await, (vec![id], 3));
}

#[tokio::test]
async fn starts_at_once_end_with_one_sandbox() {
    let world = World::new().await;
    sqlx::raw_sql("DELETE FROM credentials; DELETE FROM projects").execute(&world.pool).await.unwrap();
    world.start_at_once(6).await;
    let (all, sandboxes, keys): (i64, i64, i64) = sqlx::query_as(
        "SELECT count(*), count(*) FILTER (WHERE is_sandbox), (SELECT count(*) FROM credentials) FROM projects",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    assert_eq!((all, sandboxes, keys), (1, 1, 3));
}

#[tokio::test]
async fn a_key_that_was_created_for_a_project_is_not_taken_from_it() {
    let world = World::new().await;
    let created = world.stranger().post(KEYS, json!({"family": "client"})).await.expect(200);
    let (id, token) = (created.string("/app_id"), created.string("/app_token"));
    let refusal = world.refused_again(|config| config.client_keys = KeyPair::new(&id, &token)).await;
    assert!(
        refusal.starts_with("--client-app-id names a client key that was created for another project"),
        "{refusal}"
    );
    assert!(!refusal.contains(&token), "{refusal}");
    world.page_with(&id, &token).post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    world.stranger().get("/v1/customers/a").await.expect(200);
    // Of its own project, it may be named.
    let own = world.client().post(KEYS, json!({"family": "client"})).await.expect(200);
    let (id, token) = (own.string("/app_id"), own.string("/app_token"));
    let named = world.again(|config| config.client_keys = KeyPair::new(&id, &token)).await;
    named.page_with(&id, &token).get("/client/v1/consents").await.expect(200);
    // One of another organisation would be none that the management key opens.
    let body = json!({"name": "Theirs", "case_sensitive_codes": true, "timezone": "UTC", "currency": "EUR"});
    let theirs = world.strange_manager().post(PROJECTS, body).await.expect(200);
    let (id, token) = (theirs.string("/server_side_key/app_id"), theirs.string("/server_side_key/app_token"));
    let refusal = world.refused_again(|config| config.server_keys = KeyPair::new(&id, &token)).await;
    assert!(refusal.starts_with("--app-id names a server key") && !refusal.contains(&token), "{refusal}");
}

#[tokio::test]
async fn keys_that_came_by_themselves_are_taken_by_options() {
    let world = World::new().await;
    world.page_with("my page", "client's").post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    world.manager_with("me", "manager's").get(PROJECTS).await.expect(200);
    let named = world
        .again(|config| {
            config.client_keys = KeyPair::new("my page", "client's");
            config.management_keys = KeyPair::new("me", "other");
        })
        .await;
    named.page_with("my page", "client's").post("/client/v1/customers", json!({"source_id": "b"})).await.expect(200);
    named.client().get("/v1/customers/b").await.expect(200);
    named.manager_with("me", "manager's").get(PROJECTS).await.expect(401);
    assert_eq!(named.manager_with("me", "other").get(PROJECTS).await.expect(200).json()["total"], 2);
}

#[tokio::test]
async fn the_id_of_a_key_that_was_asked_for_opens_its_own_door_only() {
    let world = World::new().await;
    let created = world.client().post(KEYS, json!({"family": "server"})).await.expect(200);
    let (id, token) = (created.string("/app_id"), created.string("/app_token"));
    for (id, token) in [
        (id.as_str(), token.as_str()),
        (DEFAULT_APP_ID, DEFAULT_APP_TOKEN),
        (DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN),
    ] {
        world.manager_with(id, token).get(PROJECTS).await.expect(401);
    }
    world.client_with(DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN).get("/v1/customers").await.expect(401);
    world.page_with(DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN).get("/client/v1/consents").await.expect(401);
    // One that came by itself may come by every door.
    world.client_with("same", "token").get("/v1/customers").await.expect(200);
    world.manager_with("same", "token").get(PROJECTS).await.expect(200);
}

#[tokio::test]
async fn what_no_request_can_present_is_refused_at_the_start() {
    let world = World::new().await;
    let cases: [(&str, Member); 6] = [
        ("--app-id", |config| &mut config.server_keys.id),
        ("--app-token", |config| &mut config.server_keys.token),
        ("--client-app-id", |config| &mut config.client_keys.id),
        ("--client-token", |config| &mut config.client_keys.token),
        ("--management-id", |config| &mut config.management_keys.id),
        ("--management-token", |config| &mut config.management_keys.token),
    ];
    for (option, member) in cases {
        for value in ["", " padded", "schlüssel", "line\nline", &"x".repeat(201)] {
            let refusal = world.refused_again(|config| value.clone_into(member(config))).await;
            let expected = "must have 1 to 200 printable ASCII characters, and no blank before or after them";
            assert_eq!(refusal, format!("{option} {expected}"));
        }
    }
    world.again(|config| config.server_keys.token = "x".repeat(200)).await;
}
