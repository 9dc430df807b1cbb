use serde_json::json;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn only_sent_members_are_updated() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a", "name": "A", "phone": "1", "metadata": {"x": 1}})).await;
    emulator.clock.set("2024-03-01T10:00:05Z".parse().unwrap());
    let answer = client.put("/v1/customers/a", json!({"name": "B", "metadata": {"y": 2}})).await.expect(200);
    assert!(answer.text.contains(r#""source_id":"a","name":"B","phone":"1","address":null"#));
    assert!(answer.text.contains(r#""metadata":{"x":1,"y":2},"system_metadata":{},"created_at":"2024-03-01T10:00:00.000Z","updated_at":"2024-03-01T10:00:05.000Z","object":"customer"}"#));
    let read = client.get("/v1/customers/a").await.json();
    for (member, value) in answer.json().as_object().unwrap() {
        assert_eq!(&read[member], value, "a later read returns the same value");
    }
}

#[tokio::test]
async fn empty_body_changes_nothing() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a", "name": "A"})).await;
    let answer = client.put("/v1/customers/a", json!({})).await.expect(200).json();
    assert!(answer.get("updated_at").is_none());
}

#[tokio::test]
async fn id_and_source_id_in_the_body_are_ignored() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    let body = json!({"id": "cust_other", "source_id": "b", "name": "N"});
    let answer = client.put("/v1/customers/a", body).await.expect(200);
    assert_eq!((answer.string("/id"), answer.string("/source_id")), (id, "a".to_owned()));
}

#[tokio::test]
async fn unknown_customer_returns_404_and_is_not_created() {
    let project = TestProject::new();
    let client = project.client();
    let error = client.put("/v1/customers/alice2%40morgan.com", json!({"name": "A"})).await.expect(404).json();
    assert_eq!(error["details"], "Cannot find customer with id alice2@morgan.com");
    assert_eq!(client.get("/v1/customers").await.json()["total"], 0);
}

#[tokio::test]
async fn invalid_member_type_returns_400_and_changes_nothing() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a", "name": "A"})).await;
    let answer = client.put("/v1/customers/a", json!({"name": "B", "phone": 5})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .phone must be string");
    assert_eq!(client.get("/v1/customers/a").await.string("/name"), "A");
}

#[tokio::test]
async fn customer_of_other_project_is_not_updated() {
    let project = TestProject::new();
    let id = project.client().customer(json!({"name": "A"})).await;
    project.other_project().put(&format!("/v1/customers/{id}"), json!({"name": "B"})).await.expect(404);
    assert_eq!(project.client().get(&format!("/v1/customers/{id}")).await.string("/name"), "A");
}
