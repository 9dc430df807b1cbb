use serde_json::{Value, json};

use super::add_segment_entry;
use crate::support::{Client, TestEmulator, TestProject};

/// Creates a customer with five entries of four types, one second apart.
async fn create_entries(emulator: &TestEmulator, client: &Client) {
    client.customer(json!({"source_id": "a"})).await;
    for second in 1..4 {
        emulator.clock.set(format!("2024-03-01T12:00:0{second}Z").parse().unwrap());
        if second == 2 {
            client.post("/v1/events", json!({"event": "e", "customer": {"source_id": "a"}})).await.expect(200);
        } else {
            client.put("/v1/customers/a", json!({"name": format!("{second}")})).await.expect(200);
        }
    }
    add_segment_entry(emulator, "left").await;
}

const CREATED: &str = "customer.created";
const UPDATED: &str = "customer.updated";
const EVENT: &str = "customer.custom_event";
const LEFT: &str = "customer.segment.left";

#[tokio::test]
async fn entries_are_listed_with_total() {
    let emulator = TestEmulator::at("2024-03-01T12:00:00Z").await;
    let client = emulator.client();
    create_entries(&emulator, &client).await;
    let answer = client.get("/v1/customers/a/activities?limit=2").await.expect(200);
    assert!(
        answer.shape().starts_with(r#"{"object":"list","data_ref":"data","data":[{"id":"<evcus_>","type":"customer.segment.left","data":{"data":{"customer":{"#),
        "{}",
        answer.text
    );
    assert!(answer.text.ends_with(r#""}],"total":5}"#), "{}", answer.text);
    let id = answer.string("/data/1/id");
    for (query, expected, total) in [
        ("", vec![LEFT, UPDATED, EVENT, UPDATED, CREATED], 5),
        ("order=created_at", vec![CREATED, UPDATED, EVENT, UPDATED, LEFT], 5),
        ("order=updated_at&limit=1", vec![CREATED], 5),
        ("order=code&limit=1", vec![CREATED], 5),
        ("order=-campaign&limit=1", vec![LEFT], 5),
        ("order=type", vec![CREATED, EVENT, LEFT, UPDATED, UPDATED], 5),
        ("order=-type", vec![UPDATED, UPDATED, LEFT, EVENT, CREATED], 5),
        ("order=category", vec![CREATED, UPDATED, EVENT, UPDATED, LEFT], 5),
        ("order=-category&limit=2", vec![LEFT, UPDATED], 5),
        ("starting_after=2024-03-01T12:00:02Z", vec![UPDATED, CREATED], 5),
        ("order=created_at&starting_after=2024-03-01T12:00:02Z", vec![UPDATED, LEFT], 5),
        ("order=type&starting_after=2024-03-01T12:00:02Z", vec![CREATED, UPDATED], 5),
        ("starting_after=0001-01-01", vec![], 5),
        ("start_date=2024-03-01T12:00:01Z&end_date=2024-03-01T12:00:02Z", vec![EVENT, UPDATED], 2),
        ("type=customer.updated&limit=1", vec![UPDATED], 2),
        ("category=EFFECT", vec![LEFT], 1),
        ("product_id=prod_1", vec![], 0),
        ("campaign_id=camp_1", vec![], 0),
        ("campaign_type=LOYALTY_PROGRAM", vec![], 0),
        (&format!("starting_after_id={id}"), vec![EVENT, UPDATED, CREATED], 5),
        ("order=type&starting_after_id=evcus_unknown", vec![], 5),
    ] {
        let found = client.get(&format!("/v1/customers/a/activities?{query}")).await.expect(200);
        assert_eq!(found.column("data", "type"), expected, "{query}");
        assert_eq!(found.json()["total"], total, "{query}");
    }
}

#[tokio::test]
async fn pages_cover_all_entries_in_each_order() {
    let emulator = TestEmulator::at("2024-03-01T12:00:00Z").await;
    let client = emulator.client();
    create_entries(&emulator, &client).await;
    for key in ["created_at", "updated_at", "type", "code", "campaign", "category"] {
        for order in [key.to_owned(), format!("-{key}")] {
            let path = format!("/v1/customers/a/activities?order={order}");
            let all = client.get(&path).await.expect(200).column("data", "id");
            let mut visited: Vec<String> = Vec::new();
            while visited.len() < all.len() {
                let after = visited.last().cloned().unwrap_or_default();
                let page = client.get(&format!("{path}&limit=2&starting_after_id={after}")).await.expect(200);
                visited.extend(page.column("data", "id"));
            }
            assert_eq!(visited, all, "{order}");
        }
    }
}

#[tokio::test]
async fn invalid_parameters_and_unknown_customer_are_rejected() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    for (query, details) in [
        (
            "order=name",
            "Property .order must be equal to one of the allowed values [ created_at, -created_at, updated_at, -updated_at, type, -type, code, -code, campaign, -campaign, category, -category ]",
        ),
        ("starting_after=now", "Property .starting_after cannot be recognized as a ISO-8601 compliant date"),
        ("product_id=%00", "Property .product_id must NOT contain the character U+0000"),
        ("limit=1.5", "Property .limit must be integer"),
    ] {
        let error = client.get(&format!("/v1/customers/a/activities?{query}")).await.expect(400);
        assert_eq!(error.string("/details"), details);
    }
    let error = client.get("/v1/customers/unknown/activities").await.expect(404);
    assert_eq!(error.string("/details"), "Cannot find customer with id unknown");
    project.other_project().get(&format!("/v1/customers/{id}/activities")).await.expect(404);
    let own: Value = client.get(&format!("/v1/customers/{id}/activities")).await.expect(200).json();
    assert_eq!(own["total"], 1);
}
