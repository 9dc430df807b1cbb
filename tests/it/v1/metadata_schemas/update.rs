use serde_json::{Value, json};

use super::optional;
use crate::support::{Client, TestEmulator, TestProject};

const PATH: &str = "/v1/metadata-schemas/customer";

async fn create(client: &Client, properties: Value) -> String {
    let body = json!({"related_object": "customer", "properties": properties});
    client.post("/v1/metadata-schemas", body).await.expect(200).string("/id")
}

#[tokio::test]
async fn sent_definitions_are_replaced_and_the_others_are_kept() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = emulator.client();
    let mut sized = optional("string");
    sized["minLength"] = json!(2);
    let id = create(&client, json!({"a": sized, "b": optional("number")})).await;
    emulator.clock.set("2024-01-02T00:00:00Z".parse().unwrap());
    let body = json!({"properties": {"a": optional("string"), "c": optional("date")}, "allow_defined_only": true});
    let answer = client.put(&format!("/v1/metadata-schemas/{id}"), body).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<ms_>",
      "related_object": "customer",
      "properties": {
        "a": {"type":"string","array":false,"optional":true,"objectType":null},
        "b": {"type":"number","array":false,"optional":true,"objectType":null},
        "c": {"type":"date","array":false,"optional":true,"objectType":null}
      },
      "allow_defined_only": true,
      "created_at": "<time>",
      "updated_at": "<time>",
      "object": "metadata_schema"
    }
    "#);
    assert_eq!(answer.string("/updated_at"), "2024-01-02T00:00:00.000Z");
    assert_eq!(client.get(PATH).await.text, answer.text);
    let unchanged = client.put(PATH, json!({"properties": {}})).await.expect(200);
    assert_eq!(unchanged.text, answer.text, "definitions which are not sent are kept");
    let cleared = client.put(PATH, json!({"properties": {}, "allow_defined_only": null})).await.expect(200);
    assert_eq!(cleared.json()["allow_defined_only"], json!(null));
}

#[tokio::test]
async fn update_without_changes_keeps_updated_at() {
    let project = TestProject::new();
    create(&project.client(), json!({"a": optional("string")})).await;
    let answer = project.client().put(PATH, json!({"properties": {"a": optional("string")}})).await.expect(200);
    assert_eq!(answer.json()["updated_at"], json!(null));
}

#[tokio::test]
async fn definition_can_be_marked_deleted_and_restored() {
    let project = TestProject::new();
    let client = project.client();
    create(&client, json!({"a": optional("string")})).await;
    let mut deleted = optional("string");
    deleted["deleted"] = json!(true);
    let answer = client.put(PATH, json!({"properties": {"a": deleted}})).await.expect(200);
    assert_eq!(answer.json()["properties"]["a"]["deleted"], true);
    let answer = client.put(PATH, json!({"properties": {"a": optional("string")}})).await.expect(200);
    assert_eq!(answer.json()["properties"]["a"]["deleted"], json!(null));
}

#[tokio::test]
async fn changing_a_type_and_exceeding_100_properties_return_400() {
    let project = TestProject::new();
    let client = project.client();
    create(&client, json!({"a": optional("string")})).await;
    let answer = client.put(PATH, json!({"properties": {"a": optional("number")}})).await.expect(400);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "code": 400,
      "key": "invalid_payload",
      "message": "Invalid payload",
      "details": "Property .properties.a.type cannot be changed from string",
      "request_id": "<v->"
    }
    "#);
    let many: serde_json::Map<_, _> = (0..100).map(|index| (index.to_string(), optional("string"))).collect();
    let answer = client.put(PATH, json!({"properties": many})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .properties must NOT have more than 100 properties");
    for (body, details) in [
        (json!({}), "Payload must have required property 'properties'"),
        (json!({"properties": {"a": null}}), "Property .properties.a must be object"),
    ] {
        assert_eq!(client.put(PATH, body).await.expect(400).string("/details"), details);
    }
}

#[tokio::test]
async fn updating_an_unknown_schema_or_one_of_another_project_returns_404() {
    let project = TestProject::new();
    let id = create(&project.client(), json!({})).await;
    let body = json!({"properties": {"a": optional("string")}});
    for name in ["customer", id.as_str()] {
        let answer =
            project.other_project().put(&format!("/v1/metadata-schemas/{name}"), body.clone()).await.expect(404);
        assert_eq!(answer.string("/details"), format!("Cannot find metadata schema with id {name}"));
    }
    project.client().put("/v1/metadata-schemas/%00", body).await.expect(404);
    assert_eq!(project.client().get(PATH).await.json()["properties"], json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_updates_are_all_kept() {
    let project = TestProject::new();
    create(&project.client(), json!({})).await;
    let calls: Vec<_> = (0..12)
        .map(|index| {
            let client = project.client();
            let body = json!({"properties": {format!("k{index}"): optional("string")}});
            tokio::spawn(async move { client.put(PATH, body).await.expect(200) })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(project.client().get(PATH).await.json()["properties"].as_object().unwrap().len(), 12);
}
