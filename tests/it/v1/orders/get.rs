use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn an_order_is_read_by_id_and_by_source_id() {
    let world = World::new().await;
    let client = world.client();
    let created = client.post("/v1/orders", json!({"source_id": "o/1", "amount": 7, "metadata": {}})).await.expect(200);
    for identifier in [created.string("/id"), "o%2F1".to_owned()] {
        assert_eq!(client.get(&format!("/v1/orders/{identifier}")).await.expect(200).text, created.text);
    }
}

#[tokio::test]
async fn an_unknown_order_and_another_projects_are_not_found() {
    let world = World::new().await;
    let id = world.client().post("/v1/orders", json!({"amount": 1})).await.string("/id");
    for (client, id) in [(world.client(), "ord_nIcO2s8iD4Xh5E9IGDQ57Ax"), (world.stranger(), id.as_str())] {
        let error = client.get(&format!("/v1/orders/{id}")).await.expect(404).json();
        assert_eq!(error["details"], format!("Cannot find order with id {id}"));
        assert_eq!((&error["resource_id"], &error["resource_type"]), (&json!(id), &json!("order")));
    }
    world.client().delete(&format!("/v1/orders/{id}")).await.expect(405);
}
