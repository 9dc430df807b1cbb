use serde_json::{Value, json};

use super::projects::{client_of, create, path_of};
use crate::support::World;

fn optional(kind: &str) -> Value {
    json!({"type": kind, "optional": true, "array": false})
}

/// The vendor's own suites walk this way, with a resource of their own name.
#[tokio::test]
async fn projects_are_listed_and_a_schema_is_created_listed_changed_and_deleted() {
    let world = World::new().await;
    let manager = world.manager();
    create(&manager, "Team").await;
    let projects = manager.get("/management/v1/projects").await.expect(200);
    let path = format!("/management/v1/projects/{}/metadata-schemas", projects.string("/data/0/id"));
    let body = json!({"related_object": "custom", "properties": {
        "region": {"type": "string", "array": true, "optional": false, "object_type": null, "eq": ["EMEA", "APAC"]},
        "size": {"type": "number", "array": false, "optional": true, "lt": 9.5, "max_length": 3, "deleted": true},
    }});
    let created = manager.post(&path, body).await.expect(200);
    assert_eq!(
        created.shape(),
        concat!(
            r#"{"id":"<ms_>","related_object":"custom","properties":{"#,
            r#""size":{"type":"number","array":false,"optional":true,"object_type":null,"lt":9.5,"max_length":3,"deleted":true},"#,
            r#""region":{"type":"string","array":true,"optional":false,"object_type":null,"eq":["EMEA","APAC"]}},"#,
            r#""allow_defined_only":null,"created_at":"<time>","updated_at":null,"object":"metadata_schema"}"#
        )
    );
    let list = manager.get(&path).await.expect(200);
    assert_eq!(list.text, format!(r#"{{"object":"list","data_ref":"data","data":[{}],"total":1}}"#, created.text));
    let one = format!("{path}/{}", created.string("/id"));
    assert_eq!(manager.get(&one).await.expect(200).text, created.text);
    let body = json!({"properties": {"kind": optional("date")}, "allow_defined_only": true});
    let changed = manager.put(&one, body).await.expect(200);
    assert_eq!(changed.json()["properties"].as_object().unwrap().len(), 3, "what is not named stays");
    assert_eq!(changed.json()["allow_defined_only"], true);
    assert_eq!(manager.get(&one).await.expect(200).text, changed.text);
    assert_eq!(manager.delete(&one).await.expect(204).text, "");
    let answer = manager.get(&one).await.expect(404);
    assert_eq!(
        answer.shape(),
        r#"{"code":404,"key":"not_found","message":"Resource not found","details":"Cannot find metadata schema with id <ms_>","request_id":"<v->","resource_id":"<ms_>","resource_type":"metadata schema"}"#
            .replace("with id <ms_>", &format!("with id {}", created.string("/id")))
    );
    manager.delete(&one).await.expect(404);
    manager.put(&one, json!({"properties": {}})).await.expect(404);
    assert_eq!(manager.get(&path).await.text, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
}

#[tokio::test]
async fn the_schema_is_the_one_that_writes_of_the_project_are_held_against() {
    let world = World::new().await;
    let created = create(&world.manager(), "Team").await;
    let client = client_of(&world, &created);
    let path = format!("{}/metadata-schemas", path_of(&created));
    let body = json!({"related_object": "customer", "properties": {"age": optional("number")}});
    let schema = world.manager().post(&path, body).await.expect(200).string("/id");
    let refused = json!({"metadata": {"age": "nine"}});
    client.post("/v1/customers", refused.clone()).await.expect(400);
    world.client().post("/v1/customers", refused.clone()).await.expect(200);
    let shown = client.get("/v1/metadata-schemas/customer").await.expect(200);
    assert_eq!(shown.string("/id"), schema);
    world.manager().delete(&format!("{path}/{schema}")).await.expect(204);
    client.post("/v1/customers", refused).await.expect(200);
}

#[tokio::test]
async fn a_resource_has_one_schema_in_a_project() {
    let world = World::new().await;
    let [one, other] = [create(&world.manager(), "One").await, create(&world.manager(), "Other").await]
        .map(|created| format!("{}/metadata-schemas", path_of(&created)));
    let body = json!({"related_object": "customer", "properties": {}});
    world.manager().post(&one, body.clone()).await.expect(200);
    let answer = world.manager().post(&one, body.clone()).await.expect(409);
    assert_eq!(
        answer.shape(),
        r#"{"code":409,"key":"duplicate_found","message":"Duplicated resource found","details":"Duplicated metadata schema exists with related_object customer","request_id":"<v->","resource_id":"customer","resource_type":"metadata schema"}"#
    );
    world.manager().post(&other, body).await.expect(200);
}

#[tokio::test]
async fn what_is_missing_or_wrong_is_named() {
    let world = World::new().await;
    let path = format!("{}/metadata-schemas", path_of(&create(&world.manager(), "Team").await));
    let mut sized = optional("number");
    sized["eq"] = json!(["S"]);
    for (body, details) in [
        (json!({}), "Payload must have required property 'related_object'"),
        (json!({"related_object": "a"}), "Payload must have required property 'properties'"),
        (
            json!({"related_object": "a", "properties": {"Size": {"type": "string", "optional": true}}}),
            "Property .properties.Size should have required property 'array'",
        ),
        (
            json!({"related_object": "a", "properties": {"Size": sized}}),
            "Property .properties.Size.eq.0 must be number",
        ),
        (
            json!({"related_object": "a", "properties": {}, "allow_defined_only": 1}),
            "Property .allow_defined_only must be boolean",
        ),
    ] {
        assert_eq!(world.manager().post(&path, body).await.expect(400).string("/details"), details);
    }
    let body = json!({"related_object": "a", "properties": {"Size": optional("number")}});
    let one = format!("{path}/{}", world.manager().post(&path, body).await.expect(200).string("/id"));
    for (body, details) in [
        (json!({}), "Payload must have required property 'properties'"),
        (json!({"properties": {"Size": sized}}), "Property .properties.Size.eq.0 must be number"),
    ] {
        assert_eq!(world.manager().put(&one, body).await.expect(400).string("/details"), details);
    }
    let body = json!({"properties": {"Size": optional("string")}});
    let details = world.manager().put(&one, body).await.expect(400).string("/details");
    assert!(details.contains("Size"), "the type of a definition cannot change: {details}");
}

#[tokio::test]
async fn a_schema_of_another_project_is_not_found() {
    let world = World::new().await;
    let (one, other) = (create(&world.manager(), "One").await, create(&world.manager(), "Other").await);
    let body = json!({"related_object": "customer", "properties": {}});
    let path = format!("{}/metadata-schemas", path_of(&other));
    let theirs = world.manager().post(&path, body).await.expect(200).string("/id");
    let path = format!("{}/metadata-schemas/{theirs}", path_of(&one));
    world.manager().get(&path).await.expect(404);
    world.manager().put(&path, json!({"properties": {}})).await.expect(404);
    world.manager().delete(&path).await.expect(404);
    let kept = world.manager().get(&format!("{}/metadata-schemas", path_of(&other))).await.expect(200);
    assert_eq!(kept.column("data", "id"), [theirs]);
}
