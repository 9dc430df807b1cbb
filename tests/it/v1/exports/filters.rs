use serde_json::{Value, json};

use super::export_file;
use crate::support::{Client, TestEmulator, TestProject};

/// Returns the source ids of the objects that match the filters.
async fn filtered_source_ids(client: &Client, object: &str, filters: Value) -> String {
    let parameters = json!({"fields": ["source_id"], "order": "created_at", "filters": filters});
    export_file(client, object, parameters).await.lines().skip(1).collect()
}

#[tokio::test]
async fn customers_are_exported_by_filter() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let definition = json!({"type": "number", "optional": true, "array": false});
    client
        .post("/v1/metadata-schemas", json!({"related_object": "customer", "properties": {"age": definition}}))
        .await
        .expect(200);
    client.customer(json!({"source_id": "a", "name": "Anna", "email": "a@x", "address": {"city": "Berlin"}, "metadata": {"age": 9}})).await;
    emulator.clock.set("2024-03-02T10:00:00Z".parse().unwrap());
    client.customer(json!({"source_id": "b", "name": "Ben", "email": "b@x", "address": {"city": "Paris"}, "metadata": {"age": 10}})).await;
    for (filters, expected) in [
        (json!({}), "ab"),
        (json!({"junction": "and"}), "ab"),
        (json!({"city": {"conditions": {"$is": ["Berlin"]}}}), "a"),
        (json!({"address.city": {"conditions": {"$is_not": "Berlin"}}}), "b"),
        (
            json!({"email": {"conditions": {"$ends_with": ["@x"]}}, "name": {"conditions": {"$starts_with": ["B"]}}}),
            "b",
        ),
        (
            json!({"junction": "or", "name": {"conditions": {"$is": ["Anna"]}}, "city": {"conditions": {"$is": ["Paris"]}}}),
            "ab",
        ),
        (json!({"metadata.age": {"conditions": {"$more_than": [9]}}}), "b"),
        (json!({"created_at": {"conditions": {"$before": ["2024-03-02T00:00:00.000Z"]}}}), "a"),
        (json!({"created_at": {"conditions": {"$today": [true]}}}), "b"),
        (json!({"updated_at": {"conditions": {"$is_unknown": true}}}), "ab"),
        (json!({"loyalty.points": {"conditions": {"$more_than": [0]}}}), ""),
    ] {
        assert_eq!(filtered_source_ids(&client, "customer", filters.clone()).await, expected, "{filters}");
    }
}

#[tokio::test]
async fn orders_are_exported_by_filter() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let definition = json!({"type": "number", "optional": true, "array": false});
    client
        .post("/v1/metadata-schemas", json!({"related_object": "order", "properties": {"floor": definition}}))
        .await
        .expect(200);
    let a = json!({"source_id": "a", "amount": 900, "status": "PAID", "customer": {"source_id": "c"}, "referrer": {"source_id": "r"}, "metadata": {"floor": 9, "tags": ["x", "y"]}});
    let a = client.post("/v1/orders", a).await.expect(200);
    emulator.clock.set("2024-03-02T10:00:00Z".parse().unwrap());
    client.post("/v1/orders", json!({"source_id": "b", "amount": 10_000, "metadata": {"floor": 10}})).await.expect(200);
    client.put("/v1/orders/b", json!({"status": "CANCELED"})).await.expect(200);
    let (customer, referrer) = (a.string("/customer_id"), a.string("/referrer_id"));
    for (filters, expected) in [
        (json!({"id": {"conditions": {"$is": [a.string("/id")]}}}), "a"),
        (json!({"source_id": {"conditions": {"$in": ["b", "z"]}}}), "b"),
        (json!({"status": {"conditions": {"$is": "PAID"}}}), "a"),
        (json!({"amount": {"conditions": {"$more_than": 1000}}}), "b"),
        (json!({"total_amount": {"conditions": {"$less_than_equal": ["900"]}}}), "a"),
        (json!({"discount_amount": {"conditions": {"$more_than": 0}}}), ""),
        (json!({"items_discount_amount": {"conditions": {"$is_unknown": [true]}}}), "ab"),
        (json!({"customer_id": {"conditions": {"$is": [customer]}}}), "a"),
        (json!({"referrer_id": {"conditions": {"$is": [referrer]}}}), "a"),
        (json!({"referrer_id": {"conditions": {"$has_value": false}}}), "b"),
        (json!({"created_at": {"conditions": {"$after": "2024-03-01T12:00:00.000Z"}}}), "b"),
        (json!({"updated_at": {"conditions": {"$has_value": true}}}), "b"),
        (json!({"metadata.floor": {"conditions": {"$more_than": [9]}}}), "b"),
        (json!({"metadata.tags": {"conditions": {"$is": ["y"]}}}), "a"),
        (json!({"metadata.tags": {"conditions": {"$count": [2]}}}), "a"),
        (
            json!({"junction": "or", "metadata.tags": {"conditions": {"$is": ["y"]}}, "status": {"conditions": {"$is": ["CANCELED"]}}}),
            "ab",
        ),
    ] {
        assert_eq!(filtered_source_ids(&client, "order", filters.clone()).await, expected, "{filters}");
    }
}

#[tokio::test]
async fn the_junction_of_a_filter_has_any_case_and_is_shown_as_sent() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a", "name": "Anna"})).await;
    client.customer(json!({"source_id": "b", "email": "b@x"})).await;
    client.post("/v1/orders", json!({"source_id": "c", "amount": 1})).await.expect(200);
    client.post("/v1/orders", json!({"source_id": "d", "status": "PAID"})).await.expect(200);
    let (customers, orders) = (("name", "Anna", "email", "b@x"), ("source_id", "c", "status", "PAID"));
    for (object, (field, value, other_field, other_value), both) in
        [("customer", customers, "ab"), ("order", orders, "cd")]
    {
        for (junction, expected) in [("OR", both), ("Or", both), ("or", both), ("AND", ""), ("And", ""), ("and", "")] {
            let filters = json!({
                "junction": junction,
                field: {"conditions": {"$is": [value]}},
                other_field: {"conditions": {"$is": [other_value]}}
            });
            assert_eq!(filtered_source_ids(&client, object, filters.clone()).await, expected, "{object} {junction}");
            let latest = client.get("/v1/exports?limit=1").await.expect(200).json();
            assert_eq!(latest["exports"][0]["parameters"]["filters"], filters);
        }
    }
    let body = json!({"parameters": {"filters": {"junction": "OR"}}});
    let accepted = client.post("/v1/orders/export", body.clone()).await.expect(200).json();
    assert_eq!(accepted["parameters"]["filters"], body["parameters"]["filters"]);
    client.post("/v1/orders/export", json!({"parameters": {"filters": {"junction": "nor"}}})).await.expect(400);
}
