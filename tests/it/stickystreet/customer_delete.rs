use serde_json::{Value, json};

use super::{call, call_json, deleted, error};
use crate::support::{Client, TestEmulator, TestProject};

/// Creates a customer with a paid and an unpaid order, an event, a segment, a consent and an update, and returns its id.
async fn create_with_dependents(client: &Client, code: &str) -> String {
    let id = client.customer(json!({"source_id": code, "email": "needle@hay.stack"})).await;
    client.put(&format!("/v1/customers/{id}"), json!({"name": "needle"})).await.expect(200);
    let order = json!({"amount": 100, "customer": {"source_id": code}, "status": "PAID"});
    client.post("/v1/orders", order).await.expect(200);
    client.post("/v1/orders", json!({"amount": 5, "customer": {"id": id}})).await.expect(200);
    client.post("/v1/events", json!({"event": "visit", "customer": {"id": id}})).await.expect(200);
    client.post("/v1/segments", json!({"name": "one", "customers": [id]})).await.expect(200);
    client.put(&format!("/v1/customers/{id}/consents"), json!({"cnst_a": true})).await.expect(204);
    id
}

#[tokio::test]
async fn a_customer_is_erased_with_all_its_data_as_by_the_voucherify_api() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let by_v1 = create_with_dependents(&client, "by v1").await;
    let counts = client.post("/v1/customers/by%20v1/permanent-deletion", json!({})).await.expect(200).json();
    let id = create_with_dependents(&client, "1234567890123456").await;
    let answer = call(&emulator, &[("type", "customer_delete"), ("code", "1234567890123456")]).await;
    assert_eq!(
        answer.text,
        "<response status=\"success\">\n<customer status=\"deleted\">\n<code>1234567890123456</code>\n</customer>\n</response>"
    );
    client.get(&format!("/v1/customers/{id}")).await.expect(404);
    assert_eq!(client.get("/v1/orders").await.json()["total"], 0);
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
    assert_eq!(emulator.tables_with(&id).await, ["permanent_deletions"]);
    let recorded = |id: String| async {
        sqlx::query_scalar::<_, Value>(
            "SELECT jsonb_build_object('events', events, 'customer_events', customer_events, 'daily_events', daily_events,
                 'segments', segments, 'orders', orders, 'order_events', order_events, 'customer', 1)
             FROM permanent_deletions WHERE erased_customer_id = $1",
        )
        .bind(id)
        .fetch_one(&emulator.pool)
        .await
        .unwrap()
    };
    let expected = json!({"events": 1, "customer_events": 4, "daily_events": 0, "segments": 1, "orders": 2, "order_events": 3, "customer": 1});
    assert_eq!(recorded(id).await, expected);
    assert_eq!((recorded(by_v1).await, &counts["data_json"]), (expected.clone(), &expected));
}

#[tokio::test]
async fn a_second_deletion_returns_not_found_until_the_code_is_used_again() {
    let emulator = TestEmulator::new().await;
    let delete = [("type", "customer_delete"), ("code", "0012")];
    for _ in 0..2 {
        emulator.client().customer(json!({"source_id": "0012"})).await;
        assert_eq!(call_json(&emulator, &delete).await, deleted("0012"));
        assert_eq!(error(&emulator, &delete).await, "Customer not found");
    }
    let records: i64 =
        sqlx::query_scalar("SELECT count(*) FROM permanent_deletions").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(records, 2, "a deletion without a customer is not recorded");
}

#[tokio::test]
async fn a_customer_is_found_only_by_its_code() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "0012", "metadata": {"card_number": "77"}})).await;
    let long = "x".repeat(100_000);
    for code in [id.as_str(), "12", "0012 ", "77", "\0", "0012\0", &long] {
        assert_eq!(error(&project, &[("type", "customer_delete"), ("code", code)]).await, "Customer not found");
    }
    assert_eq!(error(&project, &[("type", "customer_delete"), ("card_number", "77")]).await, "code is required");
    client.get("/v1/customers/0012").await.expect(200);
    // The code of this customer is the id of the other.
    let other = client.customer(json!({"source_id": id})).await;
    assert_eq!(call_json(&project, &[("type", "customer_delete"), ("code", &id)]).await, deleted(&id));
    client.get(&format!("/v1/customers/{other}")).await.expect(404);
    client.get(&format!("/v1/customers/{id}")).await.expect(200);
}

#[tokio::test]
async fn a_soft_deleted_customer_has_no_code() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a"})).await;
    project.client().delete("/v1/customers/a").await.expect(204);
    assert_eq!(error(&project, &[("type", "customer_delete"), ("code", "a")]).await, "Customer not found");
}

#[tokio::test]
async fn unconfirmed_customers_are_erased_with_the_customer_and_have_no_code() {
    let emulator = TestEmulator::new().await;
    let delete = [("type", "customer_delete"), ("code", "needle")];
    emulator.page().double_opt_in(json!({"source_id": "needle"})).await.expect(200);
    assert_eq!(error(&emulator, &delete).await, "Customer not found");
    assert_eq!(emulator.tables_with("needle").await, ["unconfirmed_customers"]);
    emulator.client().customer(json!({"source_id": "needle"})).await;
    assert_eq!(call_json(&emulator, &delete).await, deleted("needle"));
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
}
