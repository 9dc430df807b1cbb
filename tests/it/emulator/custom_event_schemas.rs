use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject};

const PATH: &str = "/_emulator/custom-event-schemas";

async fn create(client: &Client, name: &str, properties: Value) -> String {
    let body = json!({"name": name, "schema": {"properties": properties}});
    client.post(PATH, body).await.expect(200).string("/id")
}

#[tokio::test]
async fn a_created_schema_has_the_vendors_form() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"name": "review", "schema": {"properties": {
        "published": {"type": "boolean", "optional": true},
        "stars": {"type": "number", "optional": false, "deleted": true},
    }}});
    let answer = client.post(PATH, body).await.expect(200);
    assert_eq!(
        answer.shape(),
        r#"{"id":"<ms_>","name":"review","schema":{"properties":{"stars":{"type":"number","optional":false,"deleted":true},"published":{"type":"boolean","optional":true}}},"created_at":"<time>","object":"custom-event-schema"}"#
    );
    let read = client.get(&format!("{PATH}/{}", answer.string("/id"))).await.expect(200);
    assert_eq!(read.text, answer.text);
}

#[tokio::test]
async fn schemas_are_listed_in_the_order_of_their_names() {
    let project = TestProject::new();
    let client = project.client();
    for name in ["sign_up", "newsletter_subscribed"] {
        create(&client, name, json!({})).await;
    }
    let all = client.get(PATH).await.expect(200);
    assert_eq!(
        all.shape(),
        r#"{"object":"list","data_ref":"data","data":[{"id":"<ms_>","name":"newsletter_subscribed","schema":{"properties":{}},"created_at":"<time>","object":"custom-event-schema"},{"id":"<ms_>","name":"sign_up","schema":{"properties":{}},"created_at":"<time>","object":"custom-event-schema"}],"total":2}"#
    );
    let theirs = project.other_project().get(PATH).await.expect(200);
    assert_eq!(theirs.text, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
}

#[tokio::test]
async fn a_second_schema_for_an_event_name_returns_409() {
    let project = TestProject::new();
    create(&project.client(), "sign-up", json!({})).await;
    let body = json!({"name": "sign-up", "schema": {"properties": {}}});
    let answer = project.client().post(PATH, body).await.expect(409);
    assert_eq!(
        answer.shape(),
        r#"{"code":409,"key":"duplicate_found","message":"Duplicated resource found","details":"Duplicated custom_event_schema exists with name sign-up","request_id":"<v->","resource_id":"sign-up","resource_type":"custom_event_schema"}"#
    );
    create(&project.other_project(), "sign-up", json!({})).await;
}

#[tokio::test]
async fn a_project_has_at_most_100_schemas() {
    let emulator = TestEmulator::new().await;
    create(&emulator.client(), "last", json!({})).await;
    sqlx::query(
        "INSERT INTO custom_event_schemas (project_id, id, name, properties, created_at)
         SELECT project_id, 'ms_' || n, 'r' || n, '{}', created_at FROM custom_event_schemas, generate_series(1, 99) n",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let body = json!({"name": "one more", "schema": {"properties": {}}});
    let answer = emulator.client().post(PATH, body).await.expect(400);
    assert_eq!(answer.string("/details"), "A project must NOT have more than 100 custom-event schemas");
}

#[tokio::test]
async fn an_update_replaces_the_given_definitions_and_may_change_their_types() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = emulator.client();
    let text = json!({"type": "string", "optional": true});
    let id = create(&client, "review", json!({"a": text, "b": text})).await;
    let path = format!("{PATH}/{id}");
    let same = client.put(&path, json!({"schema": {"properties": {"a": text}}})).await.expect(200);
    assert_eq!(same.json()["updated_at"], json!(null));
    emulator.clock.set("2024-01-02T00:00:00Z".parse().unwrap());
    let body = json!({"name": "another", "schema": {"properties": {
        "a": {"type": "number", "optional": false},
        "b": {"type": "string", "optional": true, "deleted": true},
    }}});
    let answer = client.put(&path, body).await.expect(200);
    assert_eq!(
        answer.shape(),
        r#"{"id":"<ms_>","name":"review","schema":{"properties":{"a":{"type":"number","optional":false},"b":{"type":"string","optional":true,"deleted":true}}},"created_at":"<time>","updated_at":"<time>","object":"custom-event-schema"}"#
    );
    assert_eq!(answer.string("/updated_at"), "2024-01-02T00:00:00.000Z");
    let restored = client.put(&path, json!({"schema": {"properties": {"b": text}}})).await.expect(200);
    assert_eq!(restored.json()["schema"]["properties"]["b"], text);
    let many: serde_json::Map<_, _> = (0..100).map(|index| (index.to_string(), text.clone())).collect();
    let answer = client.put(&path, json!({"schema": {"properties": many}})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .schema.properties must NOT have more than 100 properties");
}

#[tokio::test]
async fn a_deleted_schema_returns_404_and_its_event_name_is_free() {
    let project = TestProject::new();
    let id = create(&project.client(), "review", json!({})).await;
    let path = format!("{PATH}/{id}");
    project.client().delete(&path).await.expect(204);
    project.client().get(&path).await.expect(404);
    project.client().delete(&path).await.expect(404);
    create(&project.client(), "review", json!({})).await;
}

#[tokio::test]
async fn unknown_schemas_and_schemas_of_other_projects_return_404() {
    let project = TestProject::new();
    let theirs = create(&project.client(), "review", json!({})).await;
    let body = json!({"schema": {"properties": {"a": {"type": "string", "optional": true}}}});
    for (client, id) in
        [(project.client(), "review"), (project.client(), "%00"), (project.other_project(), theirs.as_str())]
    {
        let path = format!("{PATH}/{id}");
        let answer = client.get(&path).await.expect(404);
        assert_eq!(answer.string("/resource_type"), "custom_event_schema");
        client.put(&path, body.clone()).await.expect(404);
        client.delete(&path).await.expect(404);
    }
    let kept = project.client().get(&format!("{PATH}/{theirs}")).await.expect(200).json();
    assert_eq!(kept["schema"]["properties"], json!({}));
}

#[tokio::test]
async fn missing_and_invalid_properties_are_rejected_with_their_names() {
    let project = TestProject::new();
    let client = project.client();
    for (body, details) in [
        (json!({}), "Payload must have required property 'name'"),
        (json!({"name": ""}), "Property .name must NOT have fewer than 1 characters"),
        (json!({"name": "n".repeat(301)}), "Property .name must NOT have more than 300 characters"),
        (json!({"name": "n"}), "Payload must have required property 'schema'"),
        (json!({"name": "n", "schema": []}), "Property .schema must be object"),
        (json!({"name": "n", "schema": null}), "Property .schema must be object"),
        (json!({"name": "n", "schema": {}}), "Property .schema should have required property 'properties'"),
        (
            json!({"name": "n", "schema": {"properties": {"a": {"type": "string"}}}}),
            "Property .schema.properties.a should have required property 'optional'",
        ),
        (
            json!({"name": "n", "schema": {"properties": {"a": {"type": "object", "optional": true}}}}),
            "Property .schema.properties.a.type must be equal to one of the allowed values [ string, number, date, datetime, boolean ]",
        ),
    ] {
        assert_eq!(client.post(PATH, body).await.expect(400).string("/details"), details);
    }
    let id = create(&client, "n", json!({})).await;
    let answer = client.put(&format!("{PATH}/{id}"), json!({})).await.expect(400);
    assert_eq!(answer.string("/details"), "Payload must have required property 'schema'");
}

#[tokio::test]
async fn requests_without_keys_return_401() {
    let project = TestProject::new();
    let answer = project.send(Request::get(PATH).body(Body::empty()).unwrap()).await.expect(401);
    assert_eq!(answer.text, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#);
}
