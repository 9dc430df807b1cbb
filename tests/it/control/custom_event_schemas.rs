use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::support::{Client, World};

const PATH: &str = "/_emulator/custom-event-schemas";

async fn create(client: &Client, name: &str, properties: Value) -> String {
    let body = json!({"name": name, "schema": {"properties": properties}});
    client.post(PATH, body).await.expect(200).string("/id")
}

#[tokio::test]
async fn a_schema_is_created_and_read_as_the_vendor_shows_it() {
    let world = World::new().await;
    let client = world.client();
    let body = json!({"name": "review", "schema": {"properties": {
        "published": {"type": "boolean", "optional": true},
        "stars": {"type": "number", "optional": false, "deleted": true, "array": true},
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
async fn schemas_are_listed_by_their_names() {
    let world = World::new().await;
    let client = world.client();
    for name in ["sign_up", "newsletter_subscribed"] {
        create(&client, name, json!({})).await;
    }
    let all = client.get(PATH).await.expect(200);
    assert_eq!(
        all.shape(),
        r#"{"object":"list","data_ref":"data","data":[{"id":"<ms_>","name":"newsletter_subscribed","schema":{"properties":{}},"created_at":"<time>","object":"custom-event-schema"},{"id":"<ms_>","name":"sign_up","schema":{"properties":{}},"created_at":"<time>","object":"custom-event-schema"}],"total":2}"#
    );
    let theirs = world.stranger().get(PATH).await.expect(200);
    assert_eq!(theirs.text, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
}

#[tokio::test]
async fn events_of_a_name_have_one_schema_in_a_project() {
    let world = World::new().await;
    create(&world.client(), "sign-up", json!({})).await;
    let body = json!({"name": "sign-up", "schema": {"properties": {}}});
    let answer = world.client().post(PATH, body).await.expect(409);
    assert_eq!(
        answer.shape(),
        r#"{"code":409,"key":"duplicate_found","message":"Duplicated resource found","details":"Duplicated custom_event_schema exists with name sign-up","request_id":"<v->","resource_id":"sign-up","resource_type":"custom_event_schema"}"#
    );
    create(&world.stranger(), "sign-up", json!({})).await;
}

#[tokio::test]
async fn a_project_has_a_hundred_schemas_at_the_most() {
    let world = World::new().await;
    create(&world.client(), "last", json!({})).await;
    sqlx::query(
        "INSERT INTO custom_event_schemas (project_id, id, name, properties, created_at)
         SELECT project_id, 'ms_' || n, 'r' || n, '{}', created_at FROM custom_event_schemas, generate_series(1, 99) n",
    )
    .execute(&world.pool)
    .await
    .unwrap();
    let body = json!({"name": "one more", "schema": {"properties": {}}});
    let answer = world.client().post(PATH, body).await.expect(400);
    assert_eq!(answer.string("/details"), "A project must NOT have more than 100 custom-event schemas");
}

#[tokio::test]
async fn named_definitions_are_replaced_and_may_change_their_types() {
    let world = World::at("2024-01-01T00:00:00Z").await;
    let client = world.client();
    let text = json!({"type": "string", "optional": true});
    let id = create(&client, "review", json!({"a": text, "b": text})).await;
    let path = format!("{PATH}/{id}");
    let same = client.put(&path, json!({"schema": {"properties": {"a": text}}})).await.expect(200);
    assert_eq!(same.json()["updated_at"], json!(null));
    world.clock.set("2024-01-02T00:00:00Z".parse().unwrap());
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
async fn a_deleted_schema_is_gone() {
    let world = World::new().await;
    let id = create(&world.client(), "review", json!({})).await;
    let path = format!("{PATH}/{id}");
    world.client().delete(&path).await.expect(204);
    world.client().get(&path).await.expect(404);
    world.client().delete(&path).await.expect(404);
    create(&world.client(), "review", json!({})).await;
}

#[tokio::test]
async fn an_unknown_schema_and_another_projects_are_not_found() {
    let world = World::new().await;
    let theirs = create(&world.client(), "review", json!({})).await;
    let body = json!({"schema": {"properties": {"a": {"type": "string", "optional": true}}}});
    for (client, id) in [(world.client(), "review"), (world.client(), "%00"), (world.stranger(), theirs.as_str())] {
        let path = format!("{PATH}/{id}");
        let answer = client.get(&path).await.expect(404);
        assert_eq!(answer.string("/resource_type"), "custom_event_schema");
        client.put(&path, body.clone()).await.expect(404);
        client.delete(&path).await.expect(404);
    }
    let kept = world.client().get(&format!("{PATH}/{theirs}")).await.expect(200).json();
    assert_eq!(kept["schema"]["properties"], json!({}));
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let world = World::new().await;
    let client = world.client();
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
async fn the_project_is_that_of_the_keys_which_must_be_there() {
    let world = World::new().await;
    let answer = world.send(Request::get(PATH).body(Body::empty()).unwrap()).await.expect(401);
    assert_eq!(answer.text, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#);
}
