use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject};

async fn erase(client: &Client, identifier: &str) -> Value {
    let path = format!("/v1/customers/{identifier}/permanent-deletion");
    client.call(Method::POST, &path, None).await.expect(200).json()
}

/// Creates a customer with one update, two orders (one of them paid), three events, two segments and a consent.
async fn create_customer_with_dependents(client: &Client, source_id: &str) -> String {
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
async fn new_customer_is_erased_and_counted() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    let answer = client.post("/v1/customers/a/permanent-deletion", json!({})).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<del_>",
      "created_at": "<time>",
      "related_object_id": "<cust_>",
      "related_object": "customer",
      "status": "DONE",
      "data_json": {
        "events": 0,
        "customer_events": 1,
        "daily_events": 0,
        "segments": 0,
        "orders": 0,
        "order_events": 0,
        "customer": 1
      },
      "object": "pernament_deletion"
    }
    "#);
    assert_eq!(answer.string("/related_object_id"), id);
    assert_eq!(client.get("/v1/customers/a").await.expect(404).string("/message"), "Resource not found");
    client.post("/v1/customers/a/permanent-deletion", json!({})).await.expect(404);
}

#[tokio::test]
async fn dependent_rows_are_deleted_and_counted() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let other = create_customer_with_dependents(&client, "other").await;
    let id = create_customer_with_dependents(&client, "a").await;
    let deletion = erase(&client, "a").await;
    // Customer entries: created, updated, three events, one consent. Order entries: created twice, paid once.
    let counts = json!({"events": 3, "customer_events": 6, "daily_events": 0, "segments": 2, "orders": 2, "order_events": 3, "customer": 1});
    assert_eq!(deletion["data_json"], counts);
    let stored: Value = sqlx::query_scalar(
        "SELECT to_jsonb(d) - 'project_id' - 'id' - 'created_at' - 'erased_customer_id' - 'xid' FROM permanent_deletions d WHERE erased_customer_id = $1",
    )
    .bind(&id)
    .fetch_one(&emulator.pool)
    .await
    .unwrap();
    let mut recorded = counts.clone();
    recorded.as_object_mut().unwrap().remove("customer");
    recorded["removed"] = json!({
        "customers": 1, "orders": 2, "custom_events": 3, "customer_event_counts": 1, "customer_activity": 9,
        "customer_consents": 1, "segment_members": 2
    });
    assert_eq!(stored, recorded, "the stored record has the counts of the response");
    for table in ["customer_activity", "customer_consents", "custom_events", "orders", "segment_members"] {
        let rows = |id: &str| {
            let statement = format!("SELECT count(*) FROM {table} WHERE customer_id = '{id}'");
            let pool = emulator.pool.clone();
            async move { sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(statement)).fetch_one(&pool).await.unwrap() }
        };
        assert_eq!(rows(&id).await, 0, "{table}");
        assert!(rows(&other).await > 0, "{table} of another customer");
    }
    assert_eq!(client.get("/v1/orders").await.json()["total"], 2);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test]
async fn erasure_leaves_no_personal_data_in_database() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let customer = json!({"source_id": "needle@hay.stack", "name": "needle", "email": "needle@hay.stack",
        "address": {"city": "needle"}, "metadata": {"needle": "needle"}});
    let id = client.customer(customer).await;
    client
        .post("/v1/events", json!({"event": "visit", "customer": {"id": id}, "metadata": {"k": "needle"}}))
        .await
        .expect(200);
    // The customer is the referrer of an order of another customer, in the entries of its creation and its update.
    let order = json!({"source_id": "o", "customer": {"source_id": "friend"}, "referrer": {"id": id}});
    client.post("/v1/orders", order).await.expect(200);
    client.put("/v1/orders/o", json!({"status": "PAID"})).await.expect(200);
    // The customer is the referrer in events of another customer, by id and by source_id.
    for referrer in [id.as_str(), "needle@hay.stack"] {
        let referral = json!({"code": "R", "referrer_id": referrer});
        let event = json!({"event": "referred", "customer": {"source_id": "friend"}, "referral": referral});
        client.post("/v1/events", event).await.expect(200);
    }
    erase(&client, &id).await;
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
    // Only the record of the deletion keeps the id.
    assert_eq!(emulator.tables_with(&id).await, ["permanent_deletions"]);
    let order = client.get("/v1/orders/o").await.expect(200).json();
    assert!(
        order["referrer_id"].is_null() && order.get("referrer").is_none(),
        "the order of the other customer is kept, without its referrer"
    );
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM customer_activity WHERE type LIKE 'customer.order.%'")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    assert_eq!(entries, 3, "the entries of the other customer are kept");
}

#[tokio::test]
async fn soft_deleted_customer_is_erased_by_id_only() {
    let project = TestProject::new();
    let client = project.client();
    let id = create_customer_with_dependents(&client, "a").await;
    client.delete("/v1/customers/a").await.expect(204);
    client.post("/v1/customers/a/permanent-deletion", json!({})).await.expect(404);
    let again = client.customer(json!({"source_id": "a"})).await;
    let deletion = erase(&client, &id).await;
    // The soft deletion added one entry and removed the customer from the segments.
    let counts = json!({"events": 3, "customer_events": 7, "daily_events": 0, "segments": 0, "orders": 2, "order_events": 3, "customer": 1});
    assert_eq!((&deletion["related_object_id"], &deletion["data_json"]), (&json!(id), &counts));
    assert_eq!(client.get("/v1/customers/a").await.expect(200).string("/id"), again);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1, "the total was decreased only once");
}

#[tokio::test]
async fn unknown_customer_returns_404_and_records_nothing() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let error =
        client.post("/v1/customers/cust_W8n9I8pJDXlM69j49iKJeYpQ/permanent-deletion", json!({})).await.expect(404);
    assert_eq!(error.string("/details"), "Cannot find customer with id cust_W8n9I8pJDXlM69j49iKJeYpQ");
    client.post("/v1/customers/%00/permanent-deletion", json!({})).await.expect(404);
    let records: i64 =
        sqlx::query_scalar("SELECT count(*) FROM permanent_deletions").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(records, 0);
}

#[tokio::test]
async fn customer_of_other_project_is_not_erased() {
    let project = TestProject::new();
    let id = create_customer_with_dependents(&project.client(), "a").await;
    create_customer_with_dependents(&project.other_project(), "a").await;
    let path = format!("/v1/customers/{id}/permanent-deletion");
    project.other_project().post(&path, json!({})).await.expect(404);
    erase(&project.other_project(), "a").await;
    project.client().get("/v1/customers/a").await.expect(200);
    assert_eq!(project.client().get("/v1/orders").await.json()["total"], 2);
}

/// Sends a customer with double opt-in and returns the id of the unconfirmed customer.
async fn sign_up(project: &TestProject, body: Value) -> String {
    project.page().double_opt_in(body).await.expect(200).string("/id")
}

/// Returns whether an unconfirmed customer still exists. If it does, it is confirmed.
async fn is_left(client: &Client, id: &str) -> bool {
    let answer = client.post(&format!("/_emulator/unconfirmed-customers/{id}/confirm"), json!({})).await;
    assert!([200, 404].contains(&answer.status.as_u16()), "{}", answer.text);
    answer.status == 200
}

#[tokio::test]
async fn unconfirmed_customers_with_the_source_id_or_the_email_are_erased_with_the_customer() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "alice@work", "email": "alice@home"})).await;
    let mut erased = Vec::new();
    for body in [
        json!({"source_id": "alice@work", "email": "alice@elsewhere"}),
        json!({"source_id": "other", "email": "alice@home"}),
        json!({"email": "alice@home"}),
        json!({"email": "alice@work"}),
        json!({"source_id": "alice@home"}),
    ] {
        erased.push(sign_up(&project, body).await);
    }
    let mut kept = Vec::new();
    for body in [json!({"source_id": "bob", "email": "bob@home"}), json!({"name": "alice@home"}), json!({})] {
        kept.push(sign_up(&project, body).await);
    }
    let of_other_project = project.other_page().double_opt_in(json!({"source_id": "alice@work"})).await.string("/id");
    let deletion = erase(&client, "alice%40work").await;
    assert_eq!(deletion["data_json"]["customer_events"], 1);
    for id in &erased {
        assert!(!is_left(&client, id).await);
    }
    for id in &kept {
        assert!(is_left(&client, id).await);
    }
    assert!(is_left(&project.other_project(), &of_other_project).await);
}

#[tokio::test]
async fn soft_deleted_customer_is_erased_with_the_unconfirmed_customers_of_its_earlier_source_id() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    client.delete("/v1/customers/a").await.expect(204);
    let unconfirmed = sign_up(&project, json!({"source_id": "a"})).await;
    erase(&client, &id).await;
    assert!(!is_left(&client, &unconfirmed).await);
    // When another customer has the source id, the unconfirmed customer is that one's.
    let id = client.customer(json!({"source_id": "a"})).await;
    client.delete("/v1/customers/a").await.expect(204);
    client.customer(json!({"source_id": "a"})).await;
    let unconfirmed = sign_up(&project, json!({"source_id": "a"})).await;
    erase(&client, &id).await;
    assert!(is_left(&client, &unconfirmed).await);
}

#[tokio::test]
async fn customer_that_exists_only_unconfirmed_is_erased_by_id_source_id_or_email() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let body = json!({"source_id": "needle", "email": "needle@hay.stack", "metadata": {"k": "needle"}});
    for identifier in [None, Some("needle"), Some("needle%40hay.stack")] {
        let id = emulator.page().double_opt_in(body.clone()).await.expect(200).string("/id");
        // The same form was sent another time, without a source id.
        emulator.page().double_opt_in(json!({"email": "needle@hay.stack"})).await.expect(200);
        let path = format!("/v1/customers/{}/permanent-deletion", identifier.unwrap_or(&id));
        let deletion = client.post(&path, json!({})).await.expect(200).json();
        let counts = json!({"events": 0, "customer_events": 0, "daily_events": 0, "segments": 0, "orders": 0, "order_events": 0, "customer": 1});
        assert_eq!((&deletion["data_json"], &deletion["object"]), (&counts, &json!("pernament_deletion")));
        assert_eq!((&deletion["related_object_id"], &deletion["related_object"]), (&json!(id), &json!("customer")));
        client.post(&path, json!({})).await.expect(404);
        assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
        assert_eq!(emulator.tables_with(&id).await, ["permanent_deletions"]);
    }
}

#[tokio::test]
async fn customer_takes_precedence_over_an_unconfirmed_one() {
    let project = TestProject::new();
    let client = project.client();
    let with_email = client.customer(json!({"source_id": "other", "email": "a@x"})).await;
    let customer = client.customer(json!({"source_id": "a@x"})).await;
    let unconfirmed = sign_up(&project, json!({"email": "a@x"})).await;
    assert_eq!(erase(&client, "a%40x").await["related_object_id"], customer);
    assert!(!is_left(&client, &unconfirmed).await);
    // Customers are not found by their e-mail address.
    let unconfirmed = sign_up(&project, json!({"email": "a@x"})).await;
    project.other_project().post("/v1/customers/a%40x/permanent-deletion", json!({})).await.expect(404);
    assert_eq!(erase(&client, "a%40x").await["related_object_id"], unconfirmed);
    client.get(&format!("/v1/customers/{with_email}")).await.expect(200);
    client.post("/v1/customers/a%40x/permanent-deletion", json!({})).await.expect(404);
}

#[tokio::test]
async fn confirmed_customer_is_erased_with_the_record_of_its_confirmation() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let id = emulator.page().double_opt_in(json!({"source_id": "needle"})).await.expect(200).string("/id");
    assert!(is_left(&client, &id).await);
    client.put("/_emulator/customers/needle/state", json!({"system_metadata": {"source": "needle"}})).await.expect(200);
    client.put("/v1/customers/needle", json!({"name": "needle"})).await.expect(200);
    assert_eq!(erase(&client, "needle").await["data_json"]["customer_events"], 2);
    for text in [id.as_str(), "needle"] {
        assert_eq!(emulator.tables_with(text).await, Vec::<String>::new());
    }
}
