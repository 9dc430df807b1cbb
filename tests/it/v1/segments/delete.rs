use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_deleted_segment_is_gone_and_its_members_are_not() {
    let world = World::new().await;
    let client = world.client();
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
async fn another_projects_segment_cannot_be_deleted() {
    let world = World::new().await;
    let id = world.client().post("/v1/segments", json!({"name": "S"})).await.string("/id");
    world.stranger().delete(&format!("/v1/segments/{id}")).await.expect(404);
    world.client().delete("/v1/segments/%00").await.expect(404);
    world.client().get(&format!("/v1/segments/{id}")).await.expect(200);
}
