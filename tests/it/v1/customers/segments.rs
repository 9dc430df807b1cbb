use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn the_segments_of_a_customer_are_listed_by_name() {
    let world = World::new().await;
    let client = world.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    for name in ["one", "two"] {
        client.post("/v1/segments", json!({"name": name, "type": "static", "customers": [id]})).await.expect(200);
    }
    client.post("/v1/segments", json!({"name": "of nobody"})).await.expect(200);
    for identifier in [id.as_str(), "a"] {
        let answer = client.get(&format!("/v1/customers/{identifier}/segments")).await.expect(200);
        assert_eq!(
            answer.shape(),
            r#"{"object":"list","data_ref":"data","data":[{"id":"<seg_>","name":"one","object":"segment"},{"id":"<seg_>","name":"two","object":"segment"}],"total":2}"#
        );
    }
}

#[tokio::test]
async fn nobody_is_in_no_segment() {
    let world = World::new().await;
    let answer = world.client().get("/v1/customers/nobody/segments").await.expect(200);
    assert_eq!(answer.text, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
}

#[tokio::test]
async fn the_segments_of_another_projects_customer_are_not_told() {
    let world = World::new().await;
    let client = world.client();
    let id = client.customer(json!({})).await;
    client.post("/v1/segments", json!({"name": "one", "customers": [id]})).await.expect(200);
    let answer = world.stranger().get(&format!("/v1/customers/{id}/segments")).await.expect(200);
    assert_eq!(answer.json()["total"], 0);
}
