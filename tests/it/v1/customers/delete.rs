use serde_json::json;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn deleted_customer_is_not_found() {
    let project = TestProject::new();
    let client = project.client();
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
async fn source_id_can_be_reused_and_deleted_row_has_rewritten_one() {
    let emulator = TestEmulator::at("2024-02-01T11:16:40.918Z").await;
    let client = emulator.client();
    let id = client.customer(json!({"source_id": "lionel-johnson"})).await;
    client.delete("/v1/customers/lionel-johnson").await.expect(204);
    let kept: (Option<String>, bool) =
        sqlx::query_as("SELECT source_id, updated_at = deleted_at FROM customers WHERE id = $1")
            .bind(&id)
            .fetch_one(&emulator.pool)
            .await
            .unwrap();
    assert_eq!(kept, (Some("lionel-johnson_deleted2024-02-01T11:16:40.918Z".to_owned()), true));
    let again = client.customer(json!({"source_id": "lionel-johnson"})).await;
    assert_ne!(again, id);
    client.delete("/v1/customers/lionel-johnson").await.expect(204);
    client.get("/v1/customers/lionel-johnson_deleted2024-02-01T11:16:40.918Z").await.expect(404);
}

#[tokio::test]
async fn deletion_is_recorded_with_rewritten_source_id() {
    let emulator = TestEmulator::at("2024-02-01T11:16:40.918Z").await;
    let client = emulator.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    client.delete("/v1/customers/a").await.expect(204);
    let entries: Vec<(String, String)> = sqlx::query_as(
        "SELECT type, data::json #>> '{customer,source_id}' FROM customer_activity WHERE customer_id = $1 ORDER BY id",
    )
    .bind(&id)
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    let expected = [("customer.created", "a"), ("customer.deleted", "a_deleted2024-02-01T11:16:40.918Z")];
    assert_eq!(entries, expected.map(|(kind, source_id)| (kind.to_owned(), source_id.to_owned())));
}

#[tokio::test]
async fn deleted_customer_is_removed_from_segments() {
    let project = TestProject::new();
    let client = project.client();
    let (a, b) = (client.customer(json!({})).await, client.customer(json!({})).await);
    let segment = client.post("/v1/segments", json!({"name": "S", "customers": [a, b]})).await.string("/id");
    client.delete(&format!("/v1/customers/{a}")).await.expect(204);
    let members = client.get(&format!("/v1/customers?segment_id={segment}")).await;
    assert_eq!((members.column("customers", "id"), &members.json()["total"]), (vec![b], &json!(1)));
}

#[tokio::test]
async fn customer_of_other_project_is_not_deleted() {
    let project = TestProject::new();
    let id = project.client().customer(json!({"source_id": "a"})).await;
    project.other_project().delete(&format!("/v1/customers/{id}")).await.expect(404);
    project.other_project().delete("/v1/customers/a").await.expect(404);
    project.client().get("/v1/customers/a").await.expect(200);
}
