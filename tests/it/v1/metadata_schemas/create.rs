use serde_json::json;

use super::optional;
use crate::support::{TestEmulator, TestProject};

const PATH: &str = "/v1/metadata-schemas";

#[tokio::test]
async fn created_schema_has_the_vendor_response_format() {
    let project = TestProject::new();
    let body = json!({"related_object": "customer", "properties": {
        "location_id": {"type": "string", "optional": false, "array": true, "eq": ["L1", "L\"2"]},
        "size": {"type": "number", "optional": true, "array": false, "gte": 1.0, "lt": 9.5, "ne": [2]},
        "code": {"type": "string", "optional": true, "array": false, "minLength": 2, "max_length": 4, "deleted": true},
        "home": {"type": "object", "optional": true, "array": false, "object_type": "Address"},
    }});
    let answer = project.client().post(PATH, body).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<ms_>",
      "related_object": "customer",
      "properties": {
        "code": {
          "type": "string",
          "array": false,
          "deleted": true,
          "optional": true,
          "maxLength": 4,
          "minLength": 2,
          "objectType": null
        },
        "home": {"type":"object","array":false,"optional":true,"objectType":"Address"},
        "size": {"lt":9.5,"ne":[2],"gte":1,"type":"number","array":false,"optional":true,"objectType":null},
        "location_id": {"eq":["L1","L\"2"],"type":"string","array":true,"optional":false,"objectType":null}
      },
      "allow_defined_only": null,
      "created_at": "<time>",
      "updated_at": null,
      "object": "metadata_schema"
    }
    "#);
    let read = project.client().get("/v1/metadata-schemas/customer").await.expect(200);
    assert_eq!(read.text, answer.text);
}

#[tokio::test]
async fn schema_may_have_no_properties_and_any_allow_defined_only() {
    let project = TestProject::new();
    for (name, allow_defined_only) in [("a", json!(true)), ("b", json!(false)), ("c", json!(null))] {
        let body = json!({"related_object": name, "properties": {}, "allow_defined_only": allow_defined_only});
        let created = project.client().post(PATH, body).await.expect(200).json();
        assert_eq!((&created["properties"], &created["allow_defined_only"]), (&json!({}), &allow_defined_only));
    }
}

#[tokio::test]
async fn second_schema_for_the_same_resource_returns_409() {
    let project = TestProject::new();
    let body = json!({"related_object": "customer", "properties": {}});
    project.client().post(PATH, body.clone()).await.expect(200);
    let answer = project.client().post(PATH, body.clone()).await.expect(409);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "code": 409,
      "key": "duplicate_found",
      "message": "Duplicated resource found",
      "details": "Duplicated metadata schema exists with related_object customer",
      "request_id": "<v->",
      "resource_id": "customer",
      "resource_type": "metadata schema"
    }
    "#);
    project.other_project().post(PATH, body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_creates_for_the_same_resource_create_one_schema() {
    let project = TestProject::new();
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let client = project.client();
            let body = json!({"related_object": "order", "properties": {}});
            tokio::spawn(async move { client.post(PATH, body).await.status.as_u16() })
        })
        .collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn schema_101_in_a_project_returns_400() {
    let emulator = TestEmulator::new().await;
    emulator.client().post(PATH, json!({"related_object": "last", "properties": {}})).await.expect(200);
    sqlx::query(
        "INSERT INTO metadata_schemas (project_id, id, related_object, properties, created_at)
         SELECT project_id, 'ms_' || n, 'r' || n, '{}', created_at FROM metadata_schemas, generate_series(1, 99) n",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let body = json!({"related_object": "customer", "properties": {}});
    let answer = emulator.client().post(PATH, body.clone()).await.expect(400);
    assert_eq!(answer.string("/details"), "A project must NOT have more than 100 metadata schemas");
    emulator.other_project().post(PATH, body).await.expect(200);
}

#[tokio::test]
async fn missing_or_invalid_properties_return_400_with_the_property_name() {
    let project = TestProject::new();
    let mut invalid = optional("number");
    invalid["eq"] = json!(["a"]);
    for (body, details) in [
        (json!([]), "Payload must be object"),
        (json!({}), "Payload must have required property 'related_object'"),
        (json!({"related_object": 1}), "Property .related_object must be string"),
        (json!({"related_object": ""}), "Property .related_object must NOT have fewer than 1 characters"),
        (json!({"related_object": "a".repeat(501)}), "Property .related_object must NOT have more than 500 characters"),
        (json!({"related_object": "\0"}), "Property .related_object must NOT contain the character U+0000"),
        (json!({"related_object": "a"}), "Payload must have required property 'properties'"),
        (json!({"related_object": "a", "properties": []}), "Property .properties must be object"),
        (
            json!({"related_object": "a", "properties": {"Size": {}}}),
            "Property .properties.Size should have required property 'type'",
        ),
        (
            json!({"related_object": "a", "properties": {"Size": invalid}}),
            "Property .properties.Size.eq.0 must be number",
        ),
        (
            json!({"related_object": "a", "properties": {}, "allow_defined_only": 1}),
            "Property .allow_defined_only must be boolean",
        ),
        (
            json!({"related_object": "a", "properties": {"\0": optional("string")}}),
            "Property .properties must NOT contain the character U+0000",
        ),
    ] {
        assert_eq!(project.client().post(PATH, body).await.expect(400).string("/details"), details);
    }
    assert_eq!(project.client().get(PATH).await.json()["total"], 0);
}
