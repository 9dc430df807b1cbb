use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn deleting_segment_keeps_its_members() {
    let project = TestProject::new();
    let client = project.client();
    let member = client.customer(json!({})).await;
    let id = client.post("/v1/segments", json!({"name": "S", "customers": [member]})).await.string("/id");
    client.delete(&format!("/v1/segments/{id}")).await.expect(204);
    client.get(&format!("/v1/segments/{id}")).await.expect(404);
    client.delete(&format!("/v1/segments/{id}")).await.expect(404);
    assert_eq!(client.get("/v1/segments").await.json()["total"], 0);
    assert_eq!(client.get(&format!("/v1/customers/{member}/segments")).await.json()["total"], 0);
    client.get(&format!("/v1/customers/{member}")).await.expect(200);
}

#[tokio::test]
async fn segment_of_other_project_is_not_deleted() {
    let project = TestProject::new();
    let id = project.client().post("/v1/segments", json!({"name": "S"})).await.string("/id");
    project.other_project().delete(&format!("/v1/segments/{id}")).await.expect(404);
    project.client().delete("/v1/segments/%00").await.expect(404);
    project.client().get(&format!("/v1/segments/{id}")).await.expect(200);
}
