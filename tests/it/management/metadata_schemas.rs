use serde_json::{Value, json};

use super::projects::{client_of, create, path_of};
use crate::support::{TestEmulator, TestProject};

fn optional(kind: &str) -> Value {
    json!({"type": kind, "optional": true, "array": false})
}

/// The vendor's test suites make these requests, with a custom resource.
#[tokio::test]
async fn projects_are_listed_and_a_schema_is_created_listed_changed_and_deleted() {
    let project = TestProject::new();
    let manager = project.manager();
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
    assert_eq!(
        changed.json()["properties"].as_object().unwrap().len(),
        3,
        "an update keeps the definitions that it does not contain"
    );
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
async fn writes_of_the_project_are_validated_against_the_schema() {
    let emulator = TestEmulator::new().await;
    let created = create(&emulator.manager(), "Team").await;
    let client = client_of(&emulator, &created);
    let path = format!("{}/metadata-schemas", path_of(&created));
    let body = json!({"related_object": "customer", "properties": {"age": optional("number")}});
    let schema = emulator.manager().post(&path, body).await.expect(200).string("/id");
    let refused = json!({"metadata": {"age": "nine"}});
    client.post("/v1/customers", refused.clone()).await.expect(400);
    emulator.client().post("/v1/customers", refused.clone()).await.expect(200);
    let shown = client.get("/v1/metadata-schemas/customer").await.expect(200);
    assert_eq!(shown.string("/id"), schema);
    emulator.manager().delete(&format!("{path}/{schema}")).await.expect(204);
    client.post("/v1/customers", refused).await.expect(200);
}

#[tokio::test]
async fn a_second_schema_for_a_resource_returns_409() {
    let project = TestProject::new();
    let [one, other] = [create(&project.manager(), "One").await, create(&project.manager(), "Other").await]
        .map(|created| format!("{}/metadata-schemas", path_of(&created)));
    let body = json!({"related_object": "customer", "properties": {}});
    project.manager().post(&one, body.clone()).await.expect(200);
    let answer = project.manager().post(&one, body.clone()).await.expect(409);
    assert_eq!(
        answer.shape(),
        r#"{"code":409,"key":"duplicate_found","message":"Duplicated resource found","details":"Duplicated metadata schema exists with related_object customer","request_id":"<v->","resource_id":"customer","resource_type":"metadata schema"}"#
    );
    project.manager().post(&other, body).await.expect(200);
}

#[tokio::test]
async fn missing_and_invalid_properties_are_rejected_with_their_names() {
    let project = TestProject::new();
    let path = format!("{}/metadata-schemas", path_of(&create(&project.manager(), "Team").await));
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
        assert_eq!(project.manager().post(&path, body).await.expect(400).string("/details"), details);
    }
    let body = json!({"related_object": "a", "properties": {"Size": optional("number")}});
    let one = format!("{path}/{}", project.manager().post(&path, body).await.expect(200).string("/id"));
    for (body, details) in [
        (json!({}), "Payload must have required property 'properties'"),
        (json!({"properties": {"Size": sized}}), "Property .properties.Size.eq.0 must be number"),
    ] {
        assert_eq!(project.manager().put(&one, body).await.expect(400).string("/details"), details);
    }
    let body = json!({"properties": {"Size": optional("string")}});
    let details = project.manager().put(&one, body).await.expect(400).string("/details");
    assert!(details.contains("Size"), "the type of a definition cannot change: {details}");
}

#[tokio::test]
async fn schemas_of_other_projects_return_404() {
    let project = TestProject::new();
    let (one, other) = (create(&project.manager(), "One").await, create(&project.manager(), "Other").await);
    let body = json!({"related_object": "customer", "properties": {}});
    let path = format!("{}/metadata-schemas", path_of(&other));
    let theirs = project.manager().post(&path, body).await.expect(200).string("/id");
    let path = format!("{}/metadata-schemas/{theirs}", path_of(&one));
    project.manager().get(&path).await.expect(404);
    project.manager().put(&path, json!({"properties": {}})).await.expect(404);
    project.manager().delete(&path).await.expect(404);
    let kept = project.manager().get(&format!("{}/metadata-schemas", path_of(&other))).await.expect(200);
    assert_eq!(kept.column("data", "id"), [theirs]);
}
