use serde_json::json;

use super::optional;
use crate::support::TestProject;

#[tokio::test]
async fn deleting_a_schema_keeps_the_metadata() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a", "metadata": {"k": "v"}})).await;
    let body = json!({"related_object": "customer", "properties": {"k": optional("string")}});
    for by_id in [true, false] {
        let id = client.post("/v1/metadata-schemas", body.clone()).await.expect(200).string("/id");
        let path = format!("/v1/metadata-schemas/{}", if by_id { id.as_str() } else { "customer" });
        client.delete(&path).await.expect(204);
        client.get("/v1/metadata-schemas/customer").await.expect(404);
        client.delete(&path).await.expect(404);
    }
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"], json!({"k": "v"}));
}

#[tokio::test]
async fn deleting_a_schema_of_another_project_returns_404() {
    let project = TestProject::new();
    let body = json!({"related_object": "customer", "properties": {}});
    let id = project.client().post("/v1/metadata-schemas", body).await.expect(200).string("/id");
    for name in ["customer", id.as_str()] {
        project.other_project().delete(&format!("/v1/metadata-schemas/{name}")).await.expect(404);
    }
    project.client().delete("/v1/metadata-schemas/%00").await.expect(404);
    project.client().get("/v1/metadata-schemas/customer").await.expect(200);
}
