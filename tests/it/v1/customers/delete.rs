use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_deleted_customer_is_found_nowhere() {
    let world = World::new().await;
    let client = world.client();
    let id = client.customer(json!({"source_id": "a", "email": "a@b.c"})).await;
    client.customer(json!({"source_id": "b"})).await;
    client.delete("/v1/customers/a").await.expect(204);
    for path in ["/v1/customers/a".to_owned(), format!("/v1/customers/{id}")] {
        let answer = client.get(&path).await.expect(404);
        assert_eq!(answer.string("/message"), "Resource not found");
        client.put(&path, json!({"name": "A"})).await.expect(404);
        client.delete(&path).await.expect(404);
    }
    client.post("/v1/customers", json!({"id": id})).await.expect(404);
    let list = client.get("/v1/customers").await;
    assert_eq!((list.column("customers", "source_id"), &list.json()["total"]), (vec!["b".to_owned()], &json!(1)));
    assert_eq!(client.get("/v1/customers?email=a@b.c").await.json()["total"], 0);
}

#[tokio::test]
async fn the_source_id_is_free_again_and_the_row_keeps_a_rewritten_one() {
    let world = World::at("2024-02-01T11:16:40.918Z").await;
    let client = world.client();
    let id = client.customer(json!({"source_id": "lionel-johnson"})).await;
    client.delete("/v1/customers/lionel-johnson").await.expect(204);
    let kept: (Option<String>, bool) =
        sqlx::query_as("SELECT source_id, updated_at = deleted_at FROM customers WHERE id = $1")
            .bind(&id)
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(kept, (Some("lionel-johnson_deleted2024-02-01T11:16:40.918Z".to_owned()), true));
    let again = client.customer(json!({"source_id": "lionel-johnson"})).await;
    assert_ne!(again, id);
    client.delete("/v1/customers/lionel-johnson").await.expect(204);
    client.get("/v1/customers/lionel-johnson_deleted2024-02-01T11:16:40.918Z").await.expect(404);
}

#[tokio::test]
async fn the_activity_tells_of_the_deletion_with_the_rewritten_source_id() {
    let world = World::at("2024-02-01T11:16:40.918Z").await;
    let client = world.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    client.delete("/v1/customers/a").await.expect(204);
    let entries: Vec<(String, String)> = sqlx::query_as(
        "SELECT type, data::json #>> '{customer,source_id}' FROM customer_activity WHERE customer_id = $1 ORDER BY id",
    )
    .bind(&id)
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let expected = [("customer.created", "a"), ("customer.deleted", "a_deleted2024-02-01T11:16:40.918Z")];
    assert_eq!(entries, expected.map(|(kind, source_id)| (kind.to_owned(), source_id.to_owned())));
}

#[tokio::test]
async fn a_deleted_customer_leaves_the_segments() {
    let world = World::new().await;
    let client = world.client();
    let (a, b) = (client.customer(json!({})).await, client.customer(json!({})).await);
    let segment = client.post("/v1/segments", json!({"name": "S", "customers": [a, b]})).await.string("/id");
    client.delete(&format!("/v1/customers/{a}")).await.expect(204);
    let members = client.get(&format!("/v1/customers?segment_id={segment}")).await;
    assert_eq!((members.column("customers", "id"), &members.json()["total"]), (vec![b], &json!(1)));
}

#[tokio::test]
async fn a_customer_of_another_project_cannot_be_deleted() {
    let world = World::new().await;
    let id = world.client().customer(json!({"source_id": "a"})).await;
    world.stranger().delete(&format!("/v1/customers/{id}")).await.expect(404);
    world.stranger().delete("/v1/customers/a").await.expect(404);
    world.client().get("/v1/customers/a").await.expect(200);
}
