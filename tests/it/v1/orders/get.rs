use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn order_is_returned_by_id_and_source_id() {
    let project = TestProject::new();
    let client = project.client();
    let created = client.post("/v1/orders", json!({"source_id": "o/1", "amount": 7, "metadata": {}})).await.expect(200);
    for identifier in [created.string("/id"), "o%2F1".to_owned()] {
        assert_eq!(client.get(&format!("/v1/orders/{identifier}")).await.expect(200).text, created.text);
    }
}

#[tokio::test]
async fn unknown_order_and_order_of_other_project_return_404() {
    let project = TestProject::new();
    let id = project.client().post("/v1/orders", json!({"amount": 1})).await.string("/id");
    for (client, id) in [(project.client(), "ord_nIcO2s8iD4Xh5E9IGDQ57Ax"), (project.other_project(), id.as_str())] {
        let error = client.get(&format!("/v1/orders/{id}")).await.expect(404).json();
        assert_eq!(error["details"], format!("Cannot find order with id {id}"));
        assert_eq!((&error["resource_id"], &error["resource_type"]), (&json!(id), &json!("order")));
    }
    project.client().delete(&format!("/v1/orders/{id}")).await.expect(405);
}
