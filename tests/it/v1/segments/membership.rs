//! Tests how changes affect the members of filtered segments, and which activity is recorded.

use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject};

async fn segment(client: &Client, kind: &str, filter: Value) -> String {
    client.post("/v1/segments", json!({"name": "S", "type": kind, "filter": filter})).await.expect(200).string("/id")
}

async fn members(client: &Client, id: &str) -> Vec<String> {
    let listed = client.get(&format!("/v1/customers?segment_id={id}&limit=100&order=created_at")).await.expect(200);
    let names = listed.column("customers", "source_id");
    assert_eq!(listed.json()["total"], names.len());
    names
}

/// Returns the types of the entries of a customer in order. The name of the segment follows the types of segment
/// entries.
async fn list_entry_types(emulator: &TestEmulator, customer: &str) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT a.type || coalesce(' ' || (a.data::json -> 'segment' ->> 'name'), '')
         FROM customer_activity a JOIN customers c ON c.project_id = a.project_id AND c.id = a.customer_id
         WHERE c.source_id = $1 ORDER BY a.id",
    )
    .bind(customer)
    .fetch_all(&emulator.pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn customer_update_changes_membership_immediately_and_records_it_for_active_segment() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "old", "address": {"city": "Berlin"}})).await;
    let filter = json!({"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}});
    let active = segment(&client, "auto-update", filter.clone()).await;
    let passive = segment(&client, "passive", filter).await;
    assert_eq!(members(&client, &active).await, ["old"]);
    client.customer(json!({"source_id": "new", "address": {"city": "Berlin"}})).await;
    client.customer(json!({"source_id": "other", "address": {"city": "Bern"}})).await;
    for id in [&active, &passive] {
        assert_eq!(members(&client, id).await, ["old", "new"]);
    }
    client.put("/v1/customers/other", json!({"address": {"city": "Berlin"}})).await.expect(200);
    client.post("/v1/customers", json!({"source_id": "old", "address": null})).await.expect(200);
    for id in [&active, &passive] {
        assert_eq!(members(&client, id).await, ["new", "other"]);
    }
    // Creating a segment records no activity for its first members.
    assert_eq!(
        list_entry_types(&emulator, "old").await,
        ["customer.created", "customer.updated", "customer.segment.left S"]
    );
    assert_eq!(list_entry_types(&emulator, "new").await, ["customer.created", "customer.segment.entered S"]);
    assert_eq!(
        list_entry_types(&emulator, "other").await,
        ["customer.created", "customer.updated", "customer.segment.entered S"]
    );
    // An update that does not change the membership records no segment activity.
    client.put("/v1/customers/new", json!({"phone": "1"})).await.expect(200);
    assert_eq!(list_entry_types(&emulator, "new").await.len(), 3);
    client.delete("/v1/customers/new").await.expect(204);
    assert_eq!(members(&client, &active).await, ["other"]);
}

#[tokio::test]
async fn orders_events_and_customer_state_change_membership() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let more_than =
        |field: &str, number: i64| json!({"junction": "and", field: {"conditions": {"$more_than": [number]}}});
    let spent = segment(&client, "auto-update", more_than("summary.orders.total_amount", 100)).await;
    let signed = segment(&client, "auto-update", more_than("events.signed.count", 1)).await;
    let loyal = segment(&client, "auto-update", more_than("loyalty.points", 5)).await;
    let order = json!({"source_id": "o", "status": "PAID", "amount": 150, "customer": {"source_id": "a"}});
    client.post("/v1/orders", order).await.expect(200);
    assert_eq!(members(&client, &spent).await, ["a"]);
    assert_eq!(
        list_entry_types(&emulator, "a").await,
        ["customer.created", "customer.order.created", "customer.order.paid", "customer.segment.entered S"]
    );
    // Assign the order to another customer.
    client.put("/v1/orders/o", json!({"customer": {"source_id": "b"}})).await.expect(200);
    assert_eq!(members(&client, &spent).await, ["b"]);
    assert_eq!(list_entry_types(&emulator, "a").await.last().unwrap(), "customer.segment.left S");
    client.put("/v1/orders/o", json!({"status": "CANCELED"})).await.expect(200);
    assert!(members(&client, &spent).await.is_empty());
    for _ in 0..2 {
        assert!(members(&client, &signed).await.is_empty());
        client.post("/v1/events", json!({"event": "signed", "customer": {"source_id": "a"}})).await.expect(200);
    }
    assert_eq!(members(&client, &signed).await, ["a"]);
    client.put("/_emulator/customers/a/state", json!({"loyalty": {"points": 6}})).await.expect(200);
    assert_eq!(members(&client, &loyal).await, ["a"]);
    client.put("/_emulator/customers/a/state", json!({})).await.expect(200);
    assert!(members(&client, &loyal).await.is_empty());
}

#[tokio::test]
async fn entries_of_one_request_share_group_id_and_contain_updated_customer() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    segment(
        &client,
        "auto-update",
        json!({"junction": "and", "summary.orders.total_count": {"conditions": {"$is": [1]}}}),
    )
    .await;
    client.post("/v1/orders", json!({"status": "PAID", "amount": 7, "customer": {"source_id": "a"}})).await.expect(200);
    let groups: i64 = sqlx::query_scalar("SELECT count(DISTINCT group_id) FROM customer_activity")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    assert_eq!(groups, 1);
    let data: String = sqlx::query_scalar("SELECT data FROM customer_activity WHERE type = 'customer.segment.entered'")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    let data: Value = serde_json::from_str(&data).unwrap();
    assert_eq!(data["customer"]["summary"]["orders"]["total_amount"], 7);
    assert_eq!(data["segment"]["object"], "segment");
}

#[tokio::test]
async fn membership_by_time_is_updated_when_it_is_read() {
    let emulator = TestEmulator::at("2024-03-15T12:00:00Z").await;
    let client = emulator.client();
    let filter = |field: &str, operator: &str, operand: Value| json!({"junction": "and", field: {"conditions": {operator: operand}}});
    let recent = segment(&client, "auto-update", filter("created_at", "$less_than_ago", json!([1]))).await;
    let older = segment(&client, "passive", filter("created_at", "$more_than_ago", json!([1]))).await;
    let birthday = segment(&client, "auto-update", filter("birthdate", "$today_md", json!([true]))).await;
    let either = json!({"junction": "or", "birthdate": {"conditions": {"$tomorrow_md": [true]}}, "created_at": {"conditions": {"$less_than_ago": [1]}}});
    let either = segment(&client, "passive", either).await;
    client.customer(json!({"source_id": "a", "birthdate": "1990-03-16"})).await;
    assert_eq!(members(&client, &recent).await, ["a"]);
    assert!(members(&client, &birthday).await.is_empty());
    emulator.clock.set("2024-03-16T11:59:59.999Z".parse().unwrap());
    assert_eq!(members(&client, &birthday).await, ["a"]);
    assert_eq!(members(&client, &either).await, ["a"]);
    assert_eq!(members(&client, &recent).await, ["a"]);
    assert!(members(&client, &older).await.is_empty());
    emulator.clock.set("2024-03-16T12:00:00.001Z".parse().unwrap());
    // Listing the segments of a customer evaluates the filters without updating the stored members.
    assert_eq!(client.get("/v1/customers/a/segments").await.column("data", "id").len(), 2);
    client.customer(json!({"source_id": "b"})).await;
    assert_eq!(members(&client, &recent).await, ["b"]);
    assert_eq!(members(&client, &older).await, ["a"]);
    assert_eq!(members(&client, &either).await, ["b"]);
    emulator.clock.set("2024-03-17T00:00:00Z".parse().unwrap());
    assert!(members(&client, &birthday).await.is_empty());
    assert_eq!(
        list_entry_types(&emulator, "a").await,
        [
            "customer.created",
            "customer.segment.entered S",
            "customer.segment.entered S",
            "customer.segment.left S",
            "customer.segment.left S"
        ]
    );
    // Membership is also updated when the clock is set back.
    emulator.clock.set("2024-03-16T11:00:00Z".parse().unwrap());
    assert_eq!(members(&client, &birthday).await, ["a"]);
    assert_eq!(members(&client, &older).await, Vec::<String>::new());
}

#[tokio::test]
async fn unknown_customer_is_in_segments_that_match_empty_profile() {
    let project = TestProject::new();
    let client = project.client();
    let without_email =
        segment(&client, "passive", json!({"junction": "and", "email": {"conditions": {"$is_unknown": [true]}}})).await;
    let low_amount = segment(
        &client,
        "auto-update",
        json!({"junction": "and", "summary.orders.total_amount": {"conditions": {"$less_than": [1]}}}),
    )
    .await;
    segment(&client, "passive", json!({"junction": "and", "created_at": {"conditions": {"$has_value": [true]}}})).await;
    client.post("/v1/segments", json!({"name": "static"})).await.expect(200);
    let answer = client.get("/v1/customers/unknown/segments").await.expect(200);
    assert_eq!(answer.column("data", "id"), [without_email, low_amount]);
    assert_eq!(answer.json()["total"], 2);
}

#[tokio::test]
async fn segments_exclude_customers_of_other_project() {
    let project = TestProject::new();
    let (client, other_client) = (project.client(), project.other_project());
    other_client.customer(json!({"source_id": "other"})).await;
    let all = json!({"junction": "and"});
    let id = segment(&client, "auto-update", all).await;
    other_client.customer(json!({"source_id": "other 2"})).await;
    assert!(members(&client, &id).await.is_empty());
    assert!(members(&other_client, &id).await.is_empty());
    client.customer(json!({"source_id": "ours"})).await;
    assert_eq!(members(&client, &id).await, ["ours"]);
    assert!(members(&other_client, &id).await.is_empty());
    assert_eq!(other_client.get("/v1/customers/other/segments").await.json()["total"], 0);
    let filtered = other_client.get("/v1/customers?filters[name][conditions][$is_unknown]=").await.expect(200);
    assert_eq!(filtered.column("customers", "source_id"), ["other 2", "other"]);
}

#[tokio::test]
async fn more_than_100_filtered_segments_return_400() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"name": "S", "type": "passive", "filter": {"junction": "and"}});
    let mut id = String::new();
    for _ in 0..100 {
        id = client.post("/v1/segments", body.clone()).await.expect(200).string("/id");
    }
    let error = client.post("/v1/segments", body.clone()).await.expect(400);
    assert_eq!(error.string("/details"), "A project cannot have more than 100 active and passive segments");
    client.post("/v1/segments", json!({"name": "static"})).await.expect(200);
    client.delete(&format!("/v1/segments/{id}")).await.expect(204);
    client.post("/v1/segments", body).await.expect(200);
}

#[tokio::test]
async fn segment_created_by_other_emulator_applies_immediately() {
    let emulator = TestEmulator::new().await;
    let other = emulator.start_another(|_| {}).await;
    emulator.client().customer(json!({"source_id": "before"})).await;
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["A"]}}});
    let id = segment(&other.client(), "passive", filter).await;
    emulator.client().customer(json!({"source_id": "a", "name": "A"})).await;
    emulator.client().put("/v1/customers/before", json!({"name": "A"})).await.expect(200);
    assert_eq!(members(&other.client(), &id).await, ["before", "a"]);
    other.client().delete(&format!("/v1/segments/{id}")).await.expect(204);
    emulator.client().customer(json!({"name": "A"})).await;
    let remaining: i64 =
        sqlx::query_scalar("SELECT count(*) FROM segment_members").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(remaining, 0);
}

#[tokio::test]
async fn customer_written_between_two_reads_is_evaluated_by_second_read() {
    let emulator = TestEmulator::at("2026-11-22T12:00:00Z").await;
    let client = emulator.client();
    let filter = |operator: &str| json!({"junction": "and", "birthdate": {"conditions": {operator: [true]}}});
    let day = segment(&client, "passive", filter("$today_md")).await;
    let month = segment(&client, "auto-update", filter("$this_month_md")).await;
    client.customer(json!({"source_id": "november", "birthdate": "1990-11-30"})).await;
    emulator.clock.set("2026-11-23T12:00:00Z".parse().unwrap());
    client.customer(json!({"source_id": "a", "birthdate": "1990-11-23"})).await;
    emulator.clock.set("2026-11-24T12:00:00Z".parse().unwrap());
    assert!(members(&client, &day).await.is_empty());
    emulator.clock.set("2026-12-05T12:00:00Z".parse().unwrap());
    client.customer(json!({"source_id": "december", "birthdate": "1990-12-24"})).await;
    client.put("/v1/customers/november", json!({"phone": "1"})).await.expect(200);
    emulator.clock.set("2027-11-01T12:00:00Z".parse().unwrap());
    assert_eq!(members(&client, &month).await, ["november", "a"]);
}

#[tokio::test]
async fn largest_allowed_filters_are_accepted_by_database() {
    let emulator = TestEmulator::at("2024-03-15T12:00:00Z").await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a", "birthdate": "2024-03-14", "metadata": {"many": vec!["x"; 2_000]}})).await;
    for operator in ["$is_days_ago", "$is_days_ago_md", "$less_than", "$is"] {
        let values: Vec<Value> =
            (1..=1_000).map(|days| if operator == "$is" { json!("2024-03-14") } else { json!(days) }).collect();
        let filter = json!({"junction": "and", "birthdate": {"conditions": {operator: values}}});
        let id = segment(&client, "passive", filter).await;
        assert_eq!(members(&client, &id).await, ["a"], "{operator}");
        emulator.clock.set("2024-03-15T13:00:00Z".parse().unwrap());
        assert_eq!(members(&client, &id).await, ["a"], "{operator}");
    }
    let conditions: Vec<_> =
        (0..100).map(|key| (format!("metadata.k{key}"), json!({"conditions": {"$is_unknown": [true]}}))).collect();
    let mut filter: serde_json::Map<_, _> = conditions.into_iter().collect();
    filter.insert("junction".to_owned(), json!("and"));
    assert_eq!(members(&client, &segment(&client, "passive", filter.into()).await).await, ["a"]);
    // Filters evaluate only the first thousand items of an array.
    let filter = json!({"junction": "and", "metadata.many": {"conditions": {"$count": [1_000]}}});
    assert_eq!(members(&client, &segment(&client, "passive", filter).await).await, ["a"]);
    assert_eq!(client.get("/v1/customers/a/segments").await.json()["total"], 6);
    let large = json!({"name": "S", "type": "passive", "filter": {"junction": "and", "name": {"conditions": {"$is": vec!["x".repeat(500); 200]}}}});
    let error = client.post("/v1/segments", large).await.expect(400);
    assert_eq!(error.string("/details"), "Property .filter must NOT be larger than 65536 bytes");
}

#[tokio::test]
async fn names_of_other_counters_are_not_segment_ids() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({})).await;
    for name in ["customers", "orders", "segments"] {
        assert_eq!(client.get(&format!("/v1/customers?segment_id={name}")).await.expect(200).json()["total"], 0);
        client.delete(&format!("/v1/segments/{name}")).await.expect(404);
    }
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test]
async fn membership_by_time_of_10000_customers_is_recorded_for_each_customer() {
    let emulator = TestEmulator::at("2024-03-15T12:00:00Z").await;
    let client = emulator.client();
    client.customer(json!({"source_id": "first"})).await;
    sqlx::query(
        "INSERT INTO customers (project_id, id, profile, created_at, changed_at)
         SELECT project_id, 'cust_' || lpad(n::text, 24, '0'), profile, created_at, created_at FROM customers, generate_series(1, 10000) n",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    // Update the statistics, as the emulator does once per second.
    sqlx::query("ANALYZE").execute(&emulator.pool).await.unwrap();
    let filter = json!({"junction": "and", "created_at": {"conditions": {"$more_than_ago": [30]}}});
    let id = segment(&client, "auto-update", filter).await;
    emulator.clock.set("2024-05-15T12:00:00Z".parse().unwrap());
    let listed = client.get(&format!("/v1/customers?segment_id={id}&limit=1")).await.expect(200);
    assert_eq!(listed.json()["total"], 10_001);
    let recorded: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT customer_id) FROM customer_activity WHERE type = 'customer.segment.entered'",
    )
    .fetch_one(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(recorded, 10_001);
}
