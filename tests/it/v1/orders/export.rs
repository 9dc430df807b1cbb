use axum::http::Method;
use serde_json::json;

use crate::support::TestProject;

const PATH: &str = "/v1/orders/export";

#[tokio::test]
async fn order_export_creates_export_with_file() {
    let project = TestProject::new();
    let client = project.client();
    client.post("/v1/orders", json!({"source_id": "o", "amount": 7700})).await.expect(200);
    client.post("/v1/orders", json!({"source_id": "p", "amount": 1})).await.expect(200);
    let parameters =
        json!({"fields": ["source_id", "amount"], "filters": {"amount": {"conditions": {"$more_than": 100}}}});
    let answer = client.post(PATH, json!({"exported_object": "customer", "parameters": parameters})).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<exp_>",
      "object": "export",
      "created_at": "<time>",
      "status": "SCHEDULED",
      "channel": "API",
      "exported_object": "order",
      "parameters": {"fields":["source_id","amount"],"filters":{"amount":{"conditions":{"$more_than":100}}}},
      "result": null,
      "user_id": null
    }
    "#);
    client.get("/_emulator/idle").await.expect(200);
    let export = client.get(&format!("/v1/exports/{}", answer.string("/id"))).await.expect(200);
    let file = client.download(&export.string("/result/url")).await.expect(200);
    assert_eq!(file.text, "Source ID,Amount\no,7700\n");
}

#[tokio::test]
async fn empty_object_exports_three_default_fields() {
    let project = TestProject::new();
    let client = project.client();
    let answer = client.post(PATH, json!({})).await.expect(200);
    assert_eq!(answer.json()["parameters"], json!({"fields": ["id", "source_id", "status"]}));
    client.call(Method::POST, PATH, None).await.expect(400);
}

#[tokio::test]
async fn invalid_filters_and_fields_return_400() {
    let project = TestProject::new();
    let client = project.client();
    let filters = json!({"discount_amount": {"conditions": {"$above": 1}}});
    let error = client.post(PATH, json!({"parameters": {"filters": filters}})).await.expect(400);
    assert!(
        error.string("/details").starts_with("Property .parameters.filters should match either `filters[${field}]")
    );
    let error = client.post(PATH, json!({"parameters": {"fields": ["email"]}})).await.expect(400);
    assert_eq!(error.string("/key"), "invalid_export_fields");
    assert_eq!(client.get("/v1/exports").await.json()["total"], 0);
}

#[tokio::test]
async fn orders_of_other_project_are_not_exported() {
    let project = TestProject::new();
    project.client().post("/v1/orders", json!({"source_id": "o"})).await.expect(200);
    let other = project.other_project();
    let id = other.post(PATH, json!({"parameters": {"fields": ["source_id"]}})).await.expect(200).string("/id");
    other.get("/_emulator/idle").await.expect(200);
    let url = other.get(&format!("/v1/exports/{id}")).await.expect(200).string("/result/url");
    assert_eq!(other.download(&url).await.expect(200).text, "Source ID\n");
    project.client().get(&format!("/v1/exports/{id}")).await.expect(404);
}
