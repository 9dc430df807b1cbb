use serde_json::json;

use crate::support::{TestEmulator, TestProject};

const PATH: &str = "/_emulator/project";

#[tokio::test]
async fn the_project_is_returned_in_the_form_of_the_management_api() {
    let emulator = TestEmulator::new().await;
    let own = emulator.other_project().get(PATH).await.expect(200);
    let id = own.string("/id");
    assert_eq!(own.string("/name"), "other");
    let managed = emulator.manager().get(&format!("/management/v1/projects/{id}")).await.expect(200);
    let own_members = own.text.replace(r#","strict":false}"#, "}");
    assert_eq!(own_members, managed.text);
    assert!(own.text.ends_with(r#","strict":false}"#), "{}", own.text);
    assert_eq!(emulator.client().get(PATH).await.expect(200).json()["is_sandbox"], true);
}

#[tokio::test]
async fn an_update_changes_only_the_project_of_the_keys() {
    let project = TestProject::new();
    let other = project.client().get(PATH).await.expect(200).text;
    let body = json!({"name": "Own", "client_trusted_domains": []});
    let changed = project.other_project().put(PATH, body).await.expect(200);
    assert_eq!((changed.string("/name").as_str(), &changed.json()["client_trusted_domains"]), ("Own", &json!([])));
    assert_eq!(project.other_project().get(PATH).await.expect(200).text, changed.text);
    assert_eq!(project.client().get(PATH).await.expect(200).text, other);
}

#[tokio::test]
async fn invalid_properties_and_management_keys_are_rejected() {
    let emulator = TestEmulator::new().await;
    let answer = emulator.client().put(PATH, json!({"client_trusted_domains": "*"})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .client_trusted_domains must be array");
    emulator.manager().get(PATH).await.expect(401);
    emulator.manager().put(PATH, json!({})).await.expect(401);
}

#[tokio::test]
async fn client_side_settings_apply_to_the_next_request() {
    let emulator = TestEmulator::new().await;
    for (closed, open) in [
        (json!({"client_create_customer_enabled": false}), json!({"client_create_customer_enabled": true})),
        (json!({"client_trusted_domains": ["other.example"]}), json!({"client_trusted_domains": ["localhost:3000"]})),
    ] {
        emulator.page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
        emulator.client().put(PATH, closed).await.expect(200);
        emulator.page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(401);
        emulator.client().put(PATH, open).await.expect(200);
        emulator.page().post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    }
}

#[tokio::test]
async fn a_token_with_the_api_scope_can_neither_read_nor_change_the_project() {
    let emulator = TestEmulator::new().await;
    let bearer = emulator.bearer(&emulator.client().token("api").await);
    for answer in [bearer.get(PATH).await, bearer.put(PATH, json!({"name": "Other"})).await] {
        assert_eq!(answer.expect(403).string("/key"), "missing_required_permission");
    }
    assert_eq!(emulator.client().get(PATH).await.expect(200).string("/name"), "Sandbox Project");
}

#[tokio::test]
async fn the_total_size_of_the_settings_is_limited() {
    let emulator = TestEmulator::new().await;
    let domains = |count: usize| json!({"client_trusted_domains": vec!["x".repeat(500); count]});
    emulator.client().put(PATH, domains(60)).await.expect(200);
    let before = emulator.client().get(PATH).await.expect(200).text;
    let answer = emulator.client().put(PATH, domains(66)).await.expect(400);
    assert_eq!(answer.string("/details"), "Settings of a project must NOT have more than 32768 bytes as JSON");
    assert_eq!(emulator.client().get(PATH).await.expect(200).text, before);
    let mut body = domains(66);
    for (name, value) in [("name", json!("n")), ("case_sensitive_codes", json!(true)), ("timezone", json!("UTC"))] {
        body[name] = value;
    }
    body["currency"] = json!("EUR");
    emulator.manager().post("/management/v1/projects", body).await.expect(400);
    let projects: i64 = sqlx::query_scalar("SELECT count(*) FROM projects").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(projects, 1);
}
