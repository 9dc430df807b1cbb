use serde_json::json;

use crate::support::World;

const PATH: &str = "/_emulator/project";

#[tokio::test]
async fn the_project_of_the_keys_is_shown_as_the_management_api_shows_it() {
    let world = World::new().await;
    let own = world.stranger().get(PATH).await.expect(200);
    let id = own.string("/id");
    assert_eq!(own.string("/name"), "stranger");
    let managed = world.manager().get(&format!("/management/v1/projects/{id}")).await.expect(200);
    assert_eq!(own.text, managed.text);
    assert_eq!(world.client().get(PATH).await.expect(200).json()["is_sandbox"], true);
}

#[tokio::test]
async fn it_is_changed_and_no_other() {
    let world = World::new().await;
    let other = world.client().get(PATH).await.expect(200).text;
    let body = json!({"name": "Own", "client_trusted_domains": []});
    let changed = world.stranger().put(PATH, body).await.expect(200);
    assert_eq!((changed.string("/name").as_str(), &changed.json()["client_trusted_domains"]), ("Own", &json!([])));
    assert_eq!(world.stranger().get(PATH).await.expect(200).text, changed.text);
    assert_eq!(world.client().get(PATH).await.expect(200).text, other);
}

#[tokio::test]
async fn what_is_wrong_is_named_as_in_the_management_api() {
    let world = World::new().await;
    let answer = world.client().put(PATH, json!({"client_trusted_domains": "*"})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .client_trusted_domains must be array");
    world.manager().get(PATH).await.expect(401);
    world.manager().put(PATH, json!({})).await.expect(401);
}

#[tokio::test]
async fn what_pages_may_do_is_changed_for_the_next_request() {
    let world = World::new().await;
    for (closed, open) in [
        (json!({"client_create_customer_enabled": false}), json!({"client_create_customer_enabled": true})),
        (json!({"client_trusted_domains": ["other.example"]}), json!({"client_trusted_domains": ["shop.example"]})),
    ] {
        world.page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
        world.client().put(PATH, closed).await.expect(200);
        world.page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(401);
        world.client().put(PATH, open).await.expect(200);
        world.page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    }
}

#[tokio::test]
async fn a_token_of_the_whole_api_neither_reads_nor_changes_it() {
    let world = World::new().await;
    let bearer = world.bearer(&world.client().token("api").await);
    for answer in [bearer.get(PATH).await, bearer.put(PATH, json!({"name": "Other"})).await] {
        assert_eq!(answer.expect(403).string("/key"), "missing_required_permission");
    }
    assert_eq!(world.client().get(PATH).await.expect(200).string("/name"), "Sandbox Project");
}

#[tokio::test]
async fn settings_are_limited_as_a_whole() {
    let world = World::new().await;
    let domains = |count: usize| json!({"client_trusted_domains": vec!["x".repeat(500); count]});
    world.client().put(PATH, domains(60)).await.expect(200);
    let before = world.client().get(PATH).await.expect(200).text;
    let answer = world.client().put(PATH, domains(66)).await.expect(400);
    assert_eq!(answer.string("/details"), "Settings of a project must NOT have more than 32768 bytes as JSON");
    assert_eq!(world.client().get(PATH).await.expect(200).text, before);
    let mut body = domains(66);
    for (name, value) in [("name", json!("n")), ("case_sensitive_codes", json!(true)), ("timezone", json!("UTC"))] {
        body[name] = value;
    }
    body["currency"] = json!("EUR");
    world.manager().post("/management/v1/projects", body).await.expect(400);
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&world.pool).await.unwrap();
    assert_eq!(projects, 1);
}
