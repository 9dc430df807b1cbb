//! Tests how metadata schemas affect writes of metadata and filters.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject};

async fn create_schema(client: &Client, related_object: &str, properties: Value, allow_defined_only: bool) {
    let body =
        json!({"related_object": related_object, "properties": properties, "allow_defined_only": allow_defined_only});
    client.post("/v1/metadata-schemas", body).await.expect(200);
}

async fn expect_validation_error(client: &Client, method: Method, path: &str, body: Value) -> String {
    let answer = client.call(method, path, Some(body.to_string())).await.expect(400);
    let error = answer.json();
    assert_eq!(
        (&error["key"], &error["message"]),
        (&json!("metadata_validation_failed"), &json!("Metadata validation failed"))
    );
    answer.string("/details")
}

#[tokio::test]
async fn customer_metadata_is_validated_against_the_schema() {
    let project = TestProject::new();
    let client = project.client();
    let channel =
        json!({"type": "string", "optional": false, "array": false, "eq": ["Facebook", "Twitter", "Website"]});
    create_schema(
        &client,
        "customer",
        json!({"channel": channel, "age": {"type": "number", "optional": true, "array": false}}),
        true,
    )
    .await;
    let wrong = "channel: must be a string, property is required, must be equal to one of Facebook,Twitter,Website (actual value is 'snap')";
    let missing = wrong.replace("snap", "undefined");
    let body = |metadata: Value| json!({"source_id": "a", "metadata": metadata});
    assert_eq!(
        expect_validation_error(&client, Method::POST, "/v1/customers", body(json!({"channel": "snap"}))).await,
        wrong
    );
    assert_eq!(
        expect_validation_error(&client, Method::POST, "/v1/customers", json!({"source_id": "a"})).await,
        missing
    );
    client.get("/v1/customers/a").await.expect(404);
    // Creating a customer through an order or an event also validates its metadata.
    let order = json!({"customer": {"source_id": "a"}});
    assert_eq!(expect_validation_error(&client, Method::POST, "/v1/orders", order).await, missing);
    let event = json!({"event": "e", "customer": {"source_id": "a", "metadata": {"channel": 1}}});
    assert_eq!(expect_validation_error(&client, Method::POST, "/v1/events", event).await, wrong.replace("snap", "1"));
    assert_eq!(client.get("/v1/orders").await.json()["total"], 0);

    client.post("/v1/customers", body(json!({"channel": "Twitter"}))).await.expect(200);
    // An update validates only the keys that it sends.
    client.put("/v1/customers/a", json!({"metadata": {"age": 5}})).await.expect(200);
    client.post("/v1/customers", json!({"source_id": "a", "name": "A"})).await.expect(200);
    let undefined =
        expect_validation_error(&client, Method::PUT, "/v1/customers/a", json!({"metadata": {"shoe": 44}})).await;
    assert_eq!(undefined, "shoe: property is not defined in the schema (actual value is '44')");
    let number = expect_validation_error(&client, Method::POST, "/v1/customers", body(json!({"age": "five"}))).await;
    assert_eq!(number, "age: must be a number (actual value is 'five')");
    let kept = client.get("/v1/customers/a").await.json();
    assert_eq!(kept["metadata"], json!({"channel": "Twitter", "age": 5}));
    // The schema does not apply to another project.
    project.other_project().post("/v1/customers", body(json!({"shoe": 44}))).await.expect(200);
}

#[tokio::test]
async fn order_metadata_is_validated_against_the_schema() {
    let project = TestProject::new();
    let client = project.client();
    create_schema(
        &client,
        "order",
        json!({"location_id": {"type": "string", "optional": true, "array": true, "eq": ["L1", "L2", "L3"]}}),
        false,
    )
    .await;
    let wrong = "location_id: must be an array, and every element: must be a string, must be equal to one of L1,L2,L3 (actual value is 'L1')";
    let body = json!({"source_id": "o", "metadata": {"location_id": "L1"}, "customer": {"source_id": "a"}});
    assert_eq!(expect_validation_error(&client, Method::POST, "/v1/orders", body.clone()).await, wrong);
    client.get("/v1/customers/a").await.expect(404);
    client.post("/v1/orders", json!({"source_id": "o", "metadata": {"location_id": ["L1"], "x": 1}})).await.expect(200);
    assert_eq!(
        expect_validation_error(&client, Method::PUT, "/v1/orders/o", json!({"metadata": {"location_id": "L1"}})).await,
        wrong
    );
    assert_eq!(expect_validation_error(&client, Method::POST, "/v1/orders", body).await, wrong);
    client.put("/v1/orders/o", json!({"amount": 5})).await.expect(200);
}

#[tokio::test]
async fn order_item_metadata_is_validated_against_the_schema() {
    let project = TestProject::new();
    let client = project.client();
    create_schema(&client, "order_item", json!({"size": {"type": "number", "optional": false, "array": false}}), false)
        .await;
    let order = |metadata: Value| json!({"source_id": "o", "items": [{"product_id": "p", "metadata": metadata}]});
    let wrong = "size: must be a number, property is required (actual value is 'L')";
    assert_eq!(expect_validation_error(&client, Method::POST, "/v1/orders", order(json!({"size": "L"}))).await, wrong);
    let missing =
        expect_validation_error(&client, Method::POST, "/v1/orders", json!({"items": [{"product_id": "p"}]})).await;
    assert_eq!(missing, wrong.replace("'L'", "'undefined'"));
    client.post("/v1/orders", order(json!({"size": 5}))).await.expect(200);
    assert_eq!(expect_validation_error(&client, Method::PUT, "/v1/orders/o", order(json!({"size": "L"}))).await, wrong);
    client.put("/v1/orders/o", json!({"status": "PAID"})).await.expect(200);
}

#[tokio::test]
async fn custom_event_metadata_is_validated_against_the_event_schema() {
    let project = TestProject::new();
    let client = project.client();
    let schema = json!({"name": "sign-up", "schema": {"properties": {"age": {"type": "number", "optional": false}}}});
    let id = client.post("/_emulator/custom-event-schemas", schema).await.expect(200).string("/id");
    let event =
        |name: &str, metadata: Value| json!({"event": name, "customer": {"source_id": "a"}, "metadata": metadata});
    let wrong =
        expect_validation_error(&client, Method::POST, "/v1/events", event("sign-up", json!({"age": "x"}))).await;
    assert_eq!(wrong, "age: must be a number, property is required (actual value is 'x')");
    let missing = expect_validation_error(
        &client,
        Method::POST,
        "/v1/events",
        json!({"event": "sign-up", "customer": {"source_id": "a"}}),
    )
    .await;
    assert_eq!(missing, "age: must be a number, property is required (actual value is 'undefined')");
    client.post("/v1/events", event("sign-up", json!({"age": 5, "more": true}))).await.expect(200);
    client.post("/v1/events", event("another", json!({"age": "x"}))).await.expect(200);
    let entries = client.get("/v1/customers/a/activity?type=customer.custom_event&order=created_at").await.json();
    assert_eq!(entries["data"][0]["data"]["data"]["event_schema"], json!({"id": id, "name": "sign-up"}));
    assert_eq!(entries["data"][1]["data"]["data"]["event_schema"], Value::Null);
    project.other_project().post("/v1/events", event("sign-up", json!({"age": "x"}))).await.expect(200);
}

async fn members(client: &Client, segment: &str) -> Vec<String> {
    client
        .get(&format!("/v1/customers?segment_id={segment}&order=source_id"))
        .await
        .expect(200)
        .column("customers", "source_id")
}

#[tokio::test]
async fn filters_compare_a_key_by_its_defined_type_once_it_is_defined() {
    let emulator = TestEmulator::at("2024-03-15T12:00:00Z").await;
    let client = emulator.client();
    for (name, score, seen, due) in [
        ("a", json!(9), "2024-03-14", "2024-03-15T11:00:00Z"),
        ("b", json!(10), "2024-03-15", "2024-03-14T11:59:59Z"),
        ("c", json!("100"), "2024-02-15", "2024-03-16T00:00:00Z"),
    ] {
        client.customer(json!({"source_id": name, "metadata": {"score": score, "seen": seen, "due": due}})).await;
    }
    let mut segments = Vec::new();
    for (key, operator, operand) in [
        ("score", "$more_than", json!(["9"])),
        ("seen", "$less_than_ago", json!([2])),
        ("due", "$less_than_ago", json!([1])),
        ("seen", "$last_month", json!([true])),
    ] {
        let filter = json!({"junction": "and", format!("metadata.{key}"): {"conditions": {operator: operand}}});
        let body = json!({"name": "S", "type": "auto-update", "filter": filter});
        segments.push(client.post("/v1/segments", body).await.expect(200).string("/id"));
    }
    // Undefined keys compare as text: no score is more than "9", and date operators match nothing.
    for segment in &segments {
        assert!(members(&client, segment).await.is_empty());
    }
    let definition = |kind: &str| json!({"type": kind, "optional": true, "array": false});
    let properties = json!({"score": definition("number"), "seen": definition("date"), "due": definition("datetime")});
    create_schema(&client, "customer", properties, false).await;
    let expected = [vec!["b", "c"], vec!["a", "b"], vec!["a"], vec!["c"]];
    for (segment, expected) in segments.iter().zip(&expected) {
        assert_eq!(members(&client, segment).await, *expected);
        for name in ["a", "b", "c"] {
            let customer_segments = client.get(&format!("/v1/customers/{name}/segments")).await.column("data", "id");
            assert_eq!(customer_segments.contains(segment), expected.contains(&name));
        }
    }
    let listed = client.get("/v1/customers?filters[metadata.score][conditions][$more_than]=9&order=source_id").await;
    assert_eq!(listed.column("customers", "source_id"), ["b", "c"]);
    client.put("/v1/customers/a", json!({"metadata": {"score": 9.5}})).await.expect(200);
    assert_eq!(members(&client, &segments[0]).await, ["a", "b", "c"]);
    emulator.clock.set("2024-03-16T11:00:00.001Z".parse().unwrap());
    assert_eq!(members(&client, &segments[2]).await, ["c"]);
    // After the schema is deleted, the keys compare as text again.
    client.delete("/v1/metadata-schemas/customer").await.expect(204);
    assert_eq!(members(&client, &segments[0]).await, ["a"], "9.5 is also more than 9 when compared as text");
    for segment in &segments[1..] {
        assert!(members(&client, segment).await.is_empty());
    }
}

#[tokio::test]
async fn purging_a_key_updates_segment_members() {
    let project = TestProject::new();
    let client = project.client();
    let gone = json!({"gone": {"type": "string", "optional": true, "array": false, "deleted": true}});
    create_schema(&client, "customer", gone, false).await;
    client.customer(json!({"source_id": "a", "metadata": {"gone": "x"}})).await;
    let filter = json!({"junction": "and", "metadata.gone": {"conditions": {"$has_value": [true]}}});
    let segment =
        client.post("/v1/segments", json!({"name": "S", "type": "passive", "filter": filter})).await.string("/id");
    assert_eq!(members(&client, &segment).await, ["a"]);
    client.done("/_emulator/metadata-schemas/customer/purge", json!({"key": "gone"})).await;
    assert!(members(&client, &segment).await.is_empty());
}
