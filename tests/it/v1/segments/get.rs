use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_segment_is_read_without_its_members() {
    let world = World::new().await;
    let client = world.client();
    let created = client.post("/v1/segments", json!({"name": "S"})).await.expect(200);
    let read = client.get(&format!("/v1/segments/{}", created.string("/id"))).await.expect(200);
    assert_eq!(read.text, created.text);
}

#[tokio::test]
async fn an_unknown_segment_and_another_projects_are_not_found() {
    let world = World::new().await;
    let id = world.client().post("/v1/segments", json!({"name": "S"})).await.string("/id");
    for (client, id) in [(world.client(), "seg_Mv5w1b2FIEbiCCO5ioT8TfI"), (world.stranger(), id.as_str())] {
        let error = client.get(&format!("/v1/segments/{id}")).await.expect(404).json();
        assert_eq!(error["details"], format!("Cannot find segment with id {id}"));
        assert_eq!(error["resource_type"], "segment");
    }
    world.client().get("/v1/segments/%00").await.expect(404);
}
