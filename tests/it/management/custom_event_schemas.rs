use serde_json::json;

use super::projects::{client_of, create, path_of};
use crate::support::TestProject;

#[tokio::test]
async fn a_schema_is_created_listed_changed_and_deleted() {
    let project = TestProject::new();
    let manager = project.manager();
    let created_project = create(&manager, "Team").await;
    let path = format!("{}/custom-event-schemas", path_of(&created_project));
    let body =
        json!({"name": "review", "schema": {"properties": {"published": {"type": "boolean", "optional": true}}}});
    let created = manager.post(&path, body).await.expect(200);
    assert_eq!(
        created.shape(),
        r#"{"id":"<ms_>","name":"review","schema":{"properties":{"published":{"type":"boolean","optional":true}}},"created_at":"<time>","object":"custom-event-schema"}"#
    );
    let list = manager.get(&path).await.expect(200);
    assert_eq!(list.text, format!(r#"{{"object":"list","data_ref":"data","data":[{}],"total":1}}"#, created.text));
    let one = format!("{path}/{}", created.string("/id"));
    assert_eq!(manager.get(&one).await.expect(200).text, created.text);
    // Definitions of custom events may change their types.
    let body = json!({"schema": {"properties": {"published": {"type": "date", "optional": false}}}});
    let changed = manager.put(&one, body).await.expect(200);
    assert_eq!(
        changed.shape(),
        r#"{"id":"<ms_>","name":"review","schema":{"properties":{"published":{"type":"date","optional":false}}},"created_at":"<time>","updated_at":"<time>","object":"custom-event-schema"}"#
    );
    let event = json!({"event": "review", "customer": {"source_id": "alice"}, "metadata": {"published": true}});
    client_of(&project, &created_project).post("/v1/events", event.clone()).await.expect(400);
    project.client().post("/v1/events", event.clone()).await.expect(200);
    assert_eq!(manager.delete(&one).await.expect(204).text, "");
    client_of(&project, &created_project).post("/v1/events", event).await.expect(200);
    let answer = manager.get(&one).await.expect(404);
    assert_eq!(answer.string("/resource_type"), "custom_event_schema");
    manager.put(&one, json!({"schema": {"properties": {}}})).await.expect(404);
    manager.delete(&one).await.expect(404);
    manager.get(&format!("{path}/%00")).await.expect(404);
}

#[tokio::test]
async fn a_second_schema_for_an_event_name_returns_409() {
    let project = TestProject::new();
    let [one, other] = [create(&project.manager(), "One").await, create(&project.manager(), "Other").await]
        .map(|created| format!("{}/custom-event-schemas", path_of(&created)));
    let body = json!({"name": "sign-up", "schema": {"properties": {}}});
    project.manager().post(&one, body.clone()).await.expect(200);
    let answer = project.manager().post(&one, body.clone()).await.expect(409);
    assert_eq!(
        answer.shape(),
        r#"{"code":409,"key":"duplicate_found","message":"Duplicated resource found","details":"Duplicated custom_event_schema exists with name sign-up","request_id":"<v->","resource_id":"sign-up","resource_type":"custom_event_schema"}"#
    );
    project.manager().post(&other, body).await.expect(200);
}

#[tokio::test]
async fn missing_and_invalid_properties_are_rejected_with_their_names() {
    let project = TestProject::new();
    let path = format!("{}/custom-event-schemas", path_of(&create(&project.manager(), "Team").await));
    for (body, details) in [
        (json!({}), "Payload must have required property 'name'"),
        (json!({"name": "n".repeat(301)}), "Property .name must NOT have more than 300 characters"),
        (json!({"name": "n"}), "Payload must have required property 'schema'"),
        (json!({"name": "n", "schema": {}}), "Property .schema should have required property 'properties'"),
        (
            json!({"name": "n", "schema": {"properties": {"a": {"type": "object", "optional": true}}}}),
            "Property .schema.properties.a.type must be equal to one of the allowed values [ string, number, date, datetime, boolean ]",
        ),
    ] {
        assert_eq!(project.manager().post(&path, body).await.expect(400).string("/details"), details);
    }
    let body = json!({"name": "n", "schema": {"properties": {}}});
    let id = project.manager().post(&path, body).await.expect(200).string("/id");
    let answer = project.manager().put(&format!("{path}/{id}"), json!({})).await.expect(400);
    assert_eq!(answer.string("/details"), "Payload must have required property 'schema'");
}

#[tokio::test]
async fn schemas_of_other_projects_return_404() {
    let project = TestProject::new();
    let (one, other) = (create(&project.manager(), "One").await, create(&project.manager(), "Other").await);
    let body = json!({"name": "review", "schema": {"properties": {}}});
    let path = format!("{}/custom-event-schemas", path_of(&other));
    let theirs = project.manager().post(&path, body).await.expect(200).string("/id");
    let path = format!("{}/custom-event-schemas/{theirs}", path_of(&one));
    project.manager().get(&path).await.expect(404);
    project.manager().put(&path, json!({"schema": {"properties": {}}})).await.expect(404);
    project.manager().delete(&path).await.expect(404);
    let kept = project.manager().get(&format!("{}/custom-event-schemas", path_of(&other))).await.expect(200);
    assert_eq!(kept.column("data", "id"), [theirs]);
}
