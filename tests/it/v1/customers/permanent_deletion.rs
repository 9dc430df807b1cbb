use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Client, World};

async fn forget(client: &Client, identifier: &str) -> Value {
    let path = format!("/v1/customers/{identifier}/permanent-deletion");
    client.call(Method::POST, &path, None).await.expect(200).json()
}

/// A customer with two orders, one of them paid; three events; two segments; a consent; one update.
async fn busy(client: &Client, source_id: &str) -> String {
    let id = client.customer(json!({"source_id": source_id})).await;
    client.put(&format!("/v1/customers/{id}"), json!({"name": "Busy"})).await.expect(200);
    let order = json!({"amount": 100, "customer": {"source_id": source_id}, "status": "PAID"});
    client.post("/v1/orders", order).await.expect(200);
    client.post("/v1/orders", json!({"amount": 5, "customer": {"id": id}})).await.expect(200);
    for _ in 0..3 {
        client.post("/v1/events", json!({"event": "visit", "customer": {"id": id}})).await.expect(200);
    }
    for name in ["one", "two"] {
        client.post("/v1/segments", json!({"name": name, "customers": [id]})).await.expect(200);
    }
    client.put(&format!("/v1/customers/{id}/consents"), json!({"cnst_a": true})).await.expect(204);
    id
}

#[tokio::test]
async fn a_fresh_customer_is_forgotten_and_counted() {
    let world = World::new().await;
    let client = world.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    let answer = client.post("/v1/customers/a/permanent-deletion", json!({})).await.expect(200);
    let expected = r#"{"id":"<del_>","created_at":"<time>","related_object_id":"<cust_>","related_object":"customer","status":"DONE","data_json":{"events":0,"customer_events":1,"daily_events":0,"segments":0,"orders":0,"order_events":0,"customer":1},"object":"pernament_deletion"}"#;
    assert_eq!(answer.shape(), expected);
    assert_eq!(answer.string("/related_object_id"), id);
    assert_eq!(client.get("/v1/customers/a").await.expect(404).string("/message"), "Resource not found");
    client.post("/v1/customers/a/permanent-deletion", json!({})).await.expect(404);
}

#[tokio::test]
async fn everything_that_hangs_on_a_customer_goes_and_is_counted() {
    let world = World::new().await;
    let client = world.client();
    let other = busy(&client, "other").await;
    let id = busy(&client, "a").await;
    let deletion = forget(&client, "a").await;
    // Entries: created, updated, three events, one consent; and created twice, paid once of orders.
    let counts = json!({"events": 3, "customer_events": 6, "daily_events": 0, "segments": 2, "orders": 2, "order_events": 3, "customer": 1});
    assert_eq!(deletion["data_json"], counts);
    let stored: Value = sqlx::query_scalar(
        "SELECT to_jsonb(d) - 'project_id' - 'id' - 'created_at' - 'forgotten_id' - 'xid' FROM permanent_deletions d WHERE forgotten_id = $1",
    )
    .bind(&id)
    .fetch_one(&world.pool)
    .await
    .unwrap();
    let mut recorded = counts.clone();
    recorded.as_object_mut().unwrap().remove("customer");
    assert_eq!(stored, recorded, "the record says what the answer said");
    for table in ["customer_activity", "customer_consents", "custom_events", "orders", "segment_members"] {
        let rows = |id: &str| {
            let statement = format!("SELECT count(*) FROM {table} WHERE customer_id = '{id}'");
            let pool = world.pool.clone();
            async move { sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(statement)).fetch_one(&pool).await.unwrap() }
        };
        assert_eq!(rows(&id).await, 0, "{table}");
        assert!(rows(&other).await > 0, "{table} of another customer");
    }
    assert_eq!(client.get("/v1/orders").await.json()["total"], 2);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test]
async fn no_word_of_the_person_is_left_in_the_database() {
    let world = World::new().await;
    let client = world.client();
    let person = json!({"source_id": "needle@hay.stack", "name": "needle", "email": "needle@hay.stack",
        "address": {"city": "needle"}, "metadata": {"needle": "needle"}});
    let id = client.customer(person).await;
    client
        .post("/v1/events", json!({"event": "visit", "customer": {"id": id}, "metadata": {"k": "needle"}}))
        .await
        .expect(200);
    // As the referrer of another's order, before and after its change.
    let order = json!({"source_id": "o", "customer": {"source_id": "friend"}, "referrer": {"id": id}});
    client.post("/v1/orders", order).await.expect(200);
    client.put("/v1/orders/o", json!({"status": "PAID"})).await.expect(200);
    // As the one who referred a friend in an event, by either identifier.
    for referrer in [id.as_str(), "needle@hay.stack"] {
        let referral = json!({"code": "R", "referrer_id": referrer});
        let event = json!({"event": "referred", "customer": {"source_id": "friend"}, "referral": referral});
        client.post("/v1/events", event).await.expect(200);
    }
    forget(&client, &id).await;
    assert_eq!(world.tables_with("needle").await, Vec::<String>::new());
    // The record of the deletion is the one place that keeps the id.
    assert_eq!(world.tables_with(&id).await, ["permanent_deletions"]);
    let order = client.get("/v1/orders/o").await.expect(200).json();
    assert!(order["referrer_id"].is_null() && order.get("referrer").is_none(), "the friend's order stays");
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM customer_activity WHERE type LIKE 'customer.order.%'")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(entries, 3, "the friend's entries stay");
}

#[tokio::test]
async fn a_softly_deleted_customer_is_forgotten_by_id_only() {
    let world = World::new().await;
    let client = world.client();
    let id = busy(&client, "a").await;
    client.delete("/v1/customers/a").await.expect(204);
    client.post("/v1/customers/a/permanent-deletion", json!({})).await.expect(404);
    let again = client.customer(json!({"source_id": "a"})).await;
    let deletion = forget(&client, &id).await;
    // One entry more than while it lived, that of its deletion; it had left its segments.
    let counts = json!({"events": 3, "customer_events": 7, "daily_events": 0, "segments": 0, "orders": 2, "order_events": 3, "customer": 1});
    assert_eq!((&deletion["related_object_id"], &deletion["data_json"]), (&json!(id), &counts));
    assert_eq!(client.get("/v1/customers/a").await.expect(200).string("/id"), again);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1, "it was counted out once");
}

#[tokio::test]
async fn nobody_is_not_found_and_leaves_no_record() {
    let world = World::new().await;
    let client = world.client();
    let error =
        client.post("/v1/customers/cust_W8n9I8pJDXlM69j49iKJeYpQ/permanent-deletion", json!({})).await.expect(404);
    assert_eq!(error.string("/details"), "Cannot find customer with id cust_W8n9I8pJDXlM69j49iKJeYpQ");
    client.post("/v1/customers/%00/permanent-deletion", json!({})).await.expect(404);
    let records: i64 =
        sqlx::query_scalar("SELECT count(*) FROM permanent_deletions").fetch_one(&world.pool).await.unwrap();
    assert_eq!(records, 0);
}

#[tokio::test]
async fn a_customer_of_another_project_cannot_be_forgotten() {
    let world = World::new().await;
    let id = busy(&world.client(), "a").await;
    busy(&world.stranger(), "a").await;
    let path = format!("/v1/customers/{id}/permanent-deletion");
    world.stranger().post(&path, json!({})).await.expect(404);
    forget(&world.stranger(), "a").await;
    world.client().get("/v1/customers/a").await.expect(200);
    assert_eq!(world.client().get("/v1/orders").await.json()["total"], 2);
}
