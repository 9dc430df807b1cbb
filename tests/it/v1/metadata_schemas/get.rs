use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_schema_is_read_by_its_resource_and_by_its_id() {
    let world = World::new().await;
    let client = world.client();
    let body = json!({"related_object": "Straße & Co", "properties": {}});
    let created = client.post("/v1/metadata-schemas", body).await.expect(200);
    for name in ["Stra%C3%9Fe%20%26%20Co".to_owned(), created.string("/id")] {
        assert_eq!(client.get(&format!("/v1/metadata-schemas/{name}")).await.expect(200).text, created.text);
    }
}

#[tokio::test]
async fn an_unknown_schema_and_another_projects_are_not_found() {
    let world = World::new().await;
    let body = json!({"related_object": "customer", "properties": {}});
    let id = world.client().post("/v1/metadata-schemas", body).await.expect(200).string("/id");
    let answer = world.client().get("/v1/metadata-schemas/earning_rules").await.expect(404);
    assert_eq!(
        answer.shape(),
        r#"{"code":404,"key":"not_found","message":"Resource not found","details":"Cannot find metadata schema with id earning_rules","request_id":"<v->","resource_id":"earning_rules","resource_type":"metadata schema"}"#
    );
    world.client().get("/v1/metadata-schemas/%00").await.expect(404);
    for name in ["customer", &id] {
        world.stranger().get(&format!("/v1/metadata-schemas/{name}")).await.expect(404);
    }
}
