use serde_json::{Value, json};

use super::add_segment_entry;
use crate::support::{Client, TestEmulator, TestProject};

const NOON: &str = "2024-03-01T12:00:00Z";

/// Creates a customer with five entries, one per second from [`NOON`] on, and returns the entry ids, oldest first.
async fn create_five_entries(emulator: &TestEmulator, client: &Client) -> Vec<String> {
    client.customer(json!({"source_id": "a"})).await;
    for second in 1..5 {
        emulator.clock.set(format!("2024-03-01T12:00:0{second}Z").parse().unwrap());
        client.put("/v1/customers/a", json!({"name": format!("{second}")})).await.expect(200);
    }
    client.get("/v1/customers/a/activity?order=created_at").await.expect(200).column("data", "id")
}

#[tokio::test]
async fn pages_cover_all_entries_in_both_orders() {
    let emulator = TestEmulator::at(NOON).await;
    let client = emulator.client();
    let oldest_first = create_five_entries(&emulator, &client).await;
    let newest_first: Vec<_> = oldest_first.iter().rev().cloned().collect();
    for (order, expected) in [("", &newest_first), ("-created_at", &newest_first), ("created_at", &oldest_first)] {
        let mut visited = Vec::new();
        let mut path = format!("/v1/customers/a/activity?limit=2&order={order}");
        for more in [true, true, false] {
            let page = client.get(&path).await.expect(200);
            let ids = page.column("data", "id");
            assert_eq!(page.json()["has_more"], more);
            assert_eq!(
                page.json().get("more_starting_after").and_then(Value::as_str),
                ids.last().filter(|_| more).map(String::as_str)
            );
            path = format!("/v1/customers/a/activity?limit=2&order={order}&starting_after_id={}", ids.last().unwrap());
            visited.extend(ids);
        }
        assert_eq!(&visited, expected);
    }
    let whole = client.get("/v1/customers/a/activity?limit=5").await.expect(200);
    assert_eq!(whole.json()["has_more"], false, "a full last page has no more entries");
    for (query, expected) in [
        ("starting_after=2024-03-01T12:00:02Z", vec![&oldest_first[1], &oldest_first[0]]),
        ("starting_after=2024-03-01T12:00:02Z&order=created_at", vec![&oldest_first[3], &oldest_first[4]]),
        ("starting_after=2024-03-01T12:00:02Z&page=9", vec![&oldest_first[1], &oldest_first[0]]),
    ] {
        let page = client.get(&format!("/v1/customers/a/activity?{query}")).await.expect(200);
        assert_eq!(page.column("data", "id").iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let nothing = r#"{"object":"list","data_ref":"data","data":[],"has_more":false}"#;
    let path = format!("/v1/customers/a/activity?starting_after_id={}", oldest_first[0]);
    assert_eq!(client.get(&path).await.expect(200).text, nothing);
}

#[tokio::test]
async fn date_range_includes_both_ends() {
    let emulator = TestEmulator::at(NOON).await;
    let client = emulator.client();
    create_five_entries(&emulator, &client).await;
    emulator.clock.set("2024-03-01T13:00:00.123456Z".parse().unwrap());
    client.put("/v1/customers/a", json!({"name": "last"})).await.expect(200);
    for (query, expected) in [
        ("start_date=2024-03-01T12:00:01Z&end_date=2024-03-01T12:00:03Z", 3),
        ("start_date=2024-03-01T12:00:01.001Z&end_date=2024-03-01T12:00:02.999Z", 1),
        ("start_date=2024-03-01T13:00:00.123Z", 1),
        ("start_date=2024-03-01T13:00:00.123999Z&end_date=2024-03-01T13:00:00.123000Z", 1),
        ("start_date=2024-03-01T13:00:00.124Z", 0),
        ("end_date=2024-03-01T13:00:00.122Z", 5),
        ("start_date=2024-03-01&end_date=2024-03-02", 6),
        ("start_date=2024-03-01T12:30:00Z&end_date=2024-03-01T12:20:00Z", 0),
        // These dates are before the earliest and after the latest time that an entry id can contain.
        ("start_date=0001-01-01", 6),
        ("start_date=2016-05-03", 6),
        ("end_date=2016-05-03", 0),
        ("end_date=2155-09-17", 6),
        ("end_date=9999-12-31T23:59:59.999Z", 6),
        ("start_date=2155-09-17", 0),
    ] {
        let found = client.get(&format!("/v1/customers/a/activity?{query}")).await.expect(200);
        assert_eq!(found.column("data", "id").len(), expected, "{query}");
    }
}

#[tokio::test]
async fn entries_are_filtered_by_type_category_and_campaign() {
    let emulator = TestEmulator::at(NOON).await;
    let client = emulator.client();
    create_five_entries(&emulator, &client).await;
    add_segment_entry(&emulator, "entered").await;
    for (query, expected) in [
        ("", 6),
        ("type=customer.updated", 4),
        ("type=customer.created", 1),
        ("type=customer.segment.entered", 1),
        ("type=customer.segment.left", 0),
        ("type=customer.loyalty.tier.left", 0),
        ("category=ACTION", 5),
        ("category=EFFECT", 1),
        ("category=EFFECT&type=customer.updated", 0),
        ("campaign_type=PROMOTION", 0),
        ("campaign_id=camp_1", 0),
        ("product_id=prod_1", 0),
        ("type=&category=&campaign_id=&order=&starting_after_id=&start_date=", 6),
    ] {
        let found = client.get(&format!("/v1/customers/a/activity?{query}")).await.expect(200);
        assert_eq!(found.column("data", "id").len(), expected, "{query}");
        assert_eq!(found.json()["has_more"], false);
    }
    let effect = client.get("/v1/customers/a/activity?category=EFFECT").await.expect(200);
    assert_eq!(effect.string("/data/0/type"), "customer.segment.entered");
    assert_eq!(effect.string("/data/0/data/data/segment/name"), "S");
}

#[tokio::test]
async fn unknown_stored_type_is_returned_unchanged() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    sqlx::query("UPDATE customer_activity SET type = 'customer.order.of.later'").execute(&emulator.pool).await.unwrap();
    let answer = client.get("/v1/customers/a/activity").await.expect(200);
    assert_eq!(answer.string("/data/0/type"), "customer.order.of.later");
    assert_eq!(answer.string("/data/0/data/data/customer/source_id"), "a", "an unknown payload is returned unchanged");
}

#[tokio::test]
async fn entries_of_one_request_share_group_id() {
    let project = TestProject::new();
    let client = project.client();
    let order = json!({"source_id": "o", "status": "PAID", "customer": {"source_id": "a"}});
    client.post("/v1/orders", order).await.expect(200);
    client.put("/v1/customers/a", json!({"name": "A"})).await.expect(200);
    let answer = client.get("/v1/customers/a/activity?order=created_at").await.expect(200);
    let mut types = answer.column("data", "type");
    assert_eq!(types.pop().as_deref(), Some("customer.updated"));
    types.sort();
    assert_eq!(types, ["customer.created", "customer.order.created", "customer.order.paid"]);
    let groups = answer.column("data", "group_id");
    assert!(groups[0] == groups[1] && groups[1] == groups[2] && groups[2] != groups[3], "{groups:?}");
}

#[tokio::test]
async fn invalid_parameters_return_400() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let long = format!("starting_after_id={}", "x".repeat(501));
    for (query, details) in [
        ("limit=0", "Property .limit cannot be lower than 1"),
        ("limit=101", "Property .limit cannot be higher than 100"),
        ("limit=ten", "Property .limit must be integer"),
        ("order=type", "Property .order must be equal to one of the allowed values [ created_at, -created_at ]"),
        ("start_date=now", "Property .start_date cannot be recognized as a ISO-8601 compliant date"),
        ("end_date=2024-02-30", "Property .end_date cannot be recognized as a ISO-8601 compliant date"),
        ("category=OTHER", "Property .category must be equal to one of the allowed values [ ACTION, EFFECT ]"),
        (
            "campaign_type=OTHER",
            "Property .campaign_type must be equal to one of the allowed values [ PROMOTION, GIFT_VOUCHERS, REFERRAL_PROGRAM, DISCOUNT_COUPONS, LOYALTY_PROGRAM ]",
        ),
        ("starting_after_id=%00", "Property .starting_after_id must NOT contain the character U+0000"),
        (&long, "Property .starting_after_id must NOT have more than 500 characters"),
        ("starting_after=soon", "Property .starting_after cannot be recognized as a ISO-8601 compliant date"),
        ("campaign_id=%00", "Property .campaign_id must NOT contain the character U+0000"),
    ] {
        let error = client.get(&format!("/v1/customers/a/activity?{query}")).await.expect(400).json();
        assert_eq!((&error["key"], &error["details"]), (&json!("invalid_query_params"), &json!(details)));
    }
    for kind in ["customer.consents.given", "created", "%00"] {
        let error = client.get(&format!("/v1/customers/a/activity?type={kind}")).await.expect(400);
        let details = error.string("/details");
        assert!(
            details.starts_with(
                "Property .type must be equal to one of the allowed values [ customer.confirmed, customer.created, "
            ),
            "{details}"
        );
        assert!(details.ends_with(", customer.loyalty.tier.joined, customer.loyalty.tier.left ]"), "{details}");
    }
}

#[tokio::test]
async fn activity_of_unknown_or_deleted_customer_returns_404() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    client.delete("/v1/customers/a").await.expect(204);
    for identifier in ["unknown", "a", id.as_str()] {
        let error = client.get(&format!("/v1/customers/{identifier}/activity")).await.expect(404);
        assert_eq!(error.string("/details"), format!("Cannot find customer with id {identifier}"));
        assert_eq!(error.string("/resource_type"), "customer");
    }
    client.get("/v1/customers/%00/activity").await.expect(404);
}

#[tokio::test]
async fn activity_of_customer_of_other_project_is_not_listed() {
    let emulator = TestEmulator::new().await;
    let id = emulator.client().customer(json!({"source_id": "a"})).await;
    let other_client = emulator.other_project();
    other_client.get(&format!("/v1/customers/{id}/activity")).await.expect(404);
    other_client.customer(json!({"source_id": "a"})).await;
    other_client.put("/v1/customers/a", json!({"name": "S"})).await.expect(200);
    // Give the customers of both projects the same id.
    sqlx::query("UPDATE customer_activity SET customer_id = $1").bind(&id).execute(&emulator.pool).await.unwrap();
    let own = emulator.client().get(&format!("/v1/customers/{id}/activity")).await.expect(200);
    assert_eq!(own.column("data", "type"), ["customer.created"]);
}
