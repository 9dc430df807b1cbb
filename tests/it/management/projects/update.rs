use serde_json::json;

use super::{PATH, client_of, create, path_of};
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn an_update_changes_only_the_given_settings() {
    let project = TestProject::new();
    let manager = project.manager();
    let path = path_of(&create(&manager, "Team").await);
    let before = manager.get(&path).await.expect(200);
    let body = json!({"name": "Crew", "dial_code": "+1", "description": "D", "default_code_config": {"charset": "01"},
        "client_loyalty_events_enabled": false});
    let changed = manager.put(&path, body).await.expect(200);
    let expected = before
        .text
        .replace(r#""name":"Team""#, r#""name":"Crew""#)
        .replace(r#""timezone":"UTC","#, r#""timezone":"UTC","dial_code":"+1","#)
        .replace(r#""description":"""#, r#""description":"D""#)
        .replace(r#""client_loyalty_events_enabled":true"#, r#""client_loyalty_events_enabled":false"#)
        .replace(r#""is_sandbox":false,"#, r#""is_sandbox":false,"default_code_config":{"charset":"01"},"#);
    assert_eq!(changed.text, expected);
    assert_eq!(manager.get(&path).await.expect(200).text, expected);
    let body = json!({"dial_code": null, "default_code_config": {"charset": null}, "description": "",
        "client_loyalty_events_enabled": true, "name": "Team", "id": "proj_000000000000", "is_sandbox": true});
    assert_eq!(manager.put(&path, body).await.expect(200).text, before.text, "read-only properties are ignored");
    assert_eq!(manager.put(&path, json!({})).await.expect(200).text, before.text);
}

#[tokio::test]
async fn the_default_project_and_auto_provisioned_projects_can_be_changed() {
    let emulator = TestEmulator::new().await;
    emulator.other_project().get("/v1/customers").await.expect(200);
    let ids = emulator.manager().get(PATH).await.column("data", "id");
    for id in ids {
        let body = json!({"client_trusted_domains": ["shop.example"]});
        let changed = emulator.manager().put(&format!("{PATH}/{id}"), body).await.expect(200).json();
        assert_eq!(
            (&changed["client_trusted_domains"], &changed["timezone"]),
            (&json!(["shop.example"]), &json!("UTC"))
        );
    }
}

#[tokio::test]
async fn invalid_settings_are_rejected_and_change_nothing() {
    let project = TestProject::new();
    let path = path_of(&create(&project.manager(), "Team").await);
    for (body, details) in [
        (json!([]), "Payload must be object"),
        (json!({"name": ""}), "Property .name must NOT have fewer than 1 characters"),
        (json!({"name": null}), "Property .name must be string"),
        (json!({"description": "D", "currency": "E"}), "Property .currency must match pattern \"^[A-Z]{3}$\""),
        (
            json!({"description": "D", "default_code_config": {"charset": 1}}),
            "Property .default_code_config.charset must be string",
        ),
        (
            json!({"description": "D", "api_usage_notifications": {"messages": {}}}),
            "Property .api_usage_notifications should have required property 'api_calls'",
        ),
    ] {
        assert_eq!(project.manager().put(&path, body).await.expect(400).string("/details"), details);
    }
    let answer = project.manager().call(axum::http::Method::PUT, &path, Some("{".to_owned())).await.expect(400);
    assert_eq!(
        answer.text,
        r#"{"statusCode":400,"error":"Bad Request","message":"Invalid request payload JSON format"}"#
    );
    assert_eq!(project.manager().get(&path).await.string("/description"), "");
}

#[tokio::test]
async fn an_update_keeps_the_data_and_the_keys_of_the_project() {
    let project = TestProject::new();
    let created = create(&project.manager(), "Team").await;
    let client = client_of(&project, &created);
    client.customer(json!({"source_id": "alice"})).await;
    project.manager().put(&path_of(&created), json!({"name": "Crew"})).await.expect(200);
    client.get("/v1/customers/alice").await.expect(200);
}

#[tokio::test]
async fn client_side_settings_apply_to_the_next_request() {
    let emulator = TestEmulator::new().await;
    let manager = emulator.manager();
    let created = create(&manager, "Shop").await;
    let page =
        emulator.page_with(&created.string("/client_side_key/app_id"), &created.string("/client_side_key/app_token"));
    page.post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    let path = path_of(&created);
    for (closed, open) in [
        (json!({"client_create_customer_enabled": false}), json!({"client_create_customer_enabled": true})),
        (json!({"client_trusted_domains": ["other.example"]}), json!({"client_trusted_domains": ["localhost:3000"]})),
    ] {
        manager.put(&path, closed).await.expect(200);
        page.post("/client/v1/customers", json!({"source_id": "a"})).await.expect(401);
        manager.put(&path, open).await.expect(200);
        page.post("/client/v1/customers", json!({"source_id": "a"})).await.expect(200);
    }
}
