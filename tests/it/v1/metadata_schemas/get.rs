use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn schema_is_found_by_resource_and_by_id() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"related_object": "Straße & Co", "properties": {}});
    let created = client.post("/v1/metadata-schemas", body).await.expect(200);
    for name in ["Stra%C3%9Fe%20%26%20Co".to_owned(), created.string("/id")] {
        assert_eq!(client.get(&format!("/v1/metadata-schemas/{name}")).await.expect(200).text, created.text);
    }
}

#[tokio::test]
async fn unknown_schema_and_schema_of_another_project_return_404() {
    let project = TestProject::new();
    let body = json!({"related_object": "customer", "properties": {}});
    let id = project.client().post("/v1/metadata-schemas", body).await.expect(200).string("/id");
    let answer = project.client().get("/v1/metadata-schemas/earning_rules").await.expect(404);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "code": 404,
      "key": "not_found",
      "message": "Resource not found",
      "details": "Cannot find metadata schema with id earning_rules",
      "request_id": "<v->",
      "resource_id": "earning_rules",
      "resource_type": "metadata schema"
    }
    "#);
    project.client().get("/v1/metadata-schemas/%00").await.expect(404);
    for name in ["customer", &id] {
        project.other_project().get(&format!("/v1/metadata-schemas/{name}")).await.expect(404);
    }
}
