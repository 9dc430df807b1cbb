use axum::http::Method;
use serde_json::{Value, json};

use super::PATH;
use crate::support::TestProject;

/// Documents with a bad object, each with the details of the error.
const BAD_DOCUMENTS: &[(&str, &str)] = &[
    (r#"{"customers": [{"email": 1}]}"#, "Property .customers[0].email must be string"),
    (
        r#"{"customers": [{"source_id": "a"}, {"address": {"city": 1}}]}"#,
        "Property .customers[1].address.city must be string",
    ),
    (r#"{"customers": [{"id": "a"}]}"#, "Property .customers[0].id must be cust_ and 24 letters or digits"),
    (
        r#"{"customers": [{"created_at": "soon"}]}"#,
        "Property .customers[0].created_at cannot be recognized as a ISO-8601 compliant date",
    ),
    (r#"{"customers": [{"consents": {"c": 1}}]}"#, "Property .customers[0].consents.c must be boolean"),
    (
        r#"{"customers": [{"consents": {"unsubscribed": true}}]}"#,
        "Property .customers[0].consents.unsubscribed must NOT be the id of a consent",
    ),
    (
        r#"{"customers": [{"state": {"loyalty": {"points": "1"}}}]}"#,
        "Property .customers[0].state.loyalty.points must be integer",
    ),
    (r#"{"customers": {}}"#, "Property .customers must be array"),
    (r#"{"customers": [null]}"#, "Property .customers[0] must be object"),
    (
        r#"{"customers": [{"source_id": "a"}, {}, {"source_id": "a"}]}"#,
        "Property .customers[2].source_id must NOT be that of another object of the document",
    ),
    (
        r#"{"customers": [{"id": "ALICE"}, {"id": "ALICE"}]}"#,
        "Property .customers[1].id must NOT be that of another object of the document",
    ),
    (
        r#"{"customers": [{"source_id":"a"},{"source_id":"b"}], "orders": [{"customer": {"source_id": "b"}}, {"customer": {"source_id": "c"}}]}"#,
        "Property .orders[1].customer must be a customer of the document or of the project",
    ),
    (
        r#"{"orders": [{"customer_id": "cust_000000000000000000000000"}]}"#,
        "Property .orders[0].customer_id must be a customer of the document or of the project",
    ),
    (
        r#"{"orders": [{"referrer_id": "cust_000000000000000000000000"}]}"#,
        "Property .orders[0].referrer_id must be a customer of the document or of the project",
    ),
    (
        r#"{"orders": [{"status": "NEW"}]}"#,
        "Property .orders[0].status must be equal to one of the allowed values [ CREATED, PAID, CANCELED, FULFILLED ]",
    ),
    (r#"{"orders": [{"items": [{"price": "1"}]}]}"#, "Property .orders[0].items[0].price must be integer"),
    (
        r#"{"orders": [{"source_id": "x"}, {"source_id": "x"}]}"#,
        "Property .orders[1].source_id must NOT be that of another object of the document",
    ),
    (r#"{"orders": [{"id": "ord_1"}]}"#, "Property .orders[0].id must be ord_ and 18 or 24 letters or digits"),
    (r#"{"events": [{"type": "e"}]}"#, "Property .events[0] should have required property 'customer'"),
    (
        r#"{"events": [{"type": "e", "customer": {}}]}"#,
        "Property .events[0].customer must be an object with an id or a source_id",
    ),
    (
        r#"{"events": [{"type": "e", "customer": {"source_id": "z"}}]}"#,
        "Property .events[0].customer must be a customer of the document or of the project",
    ),
    (r#"{"events": [{"customer": {"source_id": "z"}}]}"#, "Property .events[0] should have required property 'event'"),
    (r#"{"segments": [{}]}"#, "Property .segments[0] should have required property 'name'"),
    (
        r#"{"segments": [{"name": "s", "type": "passive", "filter": {"junction":"and","unknown":{"conditions":{"$is":["a"]}}}}]}"#,
        "Property .segments[0].filter.unknown is not a field that can be filtered by",
    ),
    (
        r#"{"segments": [{"name": "s", "customers": ["z"]}]}"#,
        "Property .segments[0].customers[0] must be a customer of the document or of the project",
    ),
    (r#"{"consents": [{"id": "c"}]}"#, "Property .consents[0] should have required property 'name'"),
    (
        r#"{"consents": [{"id": "c", "name": "1"}, {"id": "c", "name": "2"}]}"#,
        "Property .consents[1].id must NOT be that of another object of the document",
    ),
    (
        r#"{"consent_groups": [{"id": "g", "name": "g", "consents": ["c"]}]}"#,
        "Property .consent_groups[0].consents[0] must be the id of a defined consent",
    ),
    (
        r#"{"metadata_schemas": [{"related_object": "customer"}]}"#,
        "Property .metadata_schemas[0] should have required property 'properties'",
    ),
    (
        r#"{"metadata_schemas": [{"related_object": "a", "properties": {}}, {"related_object": "a", "properties": {}}]}"#,
        "Property .metadata_schemas[1].related_object must NOT be that of another object of the document",
    ),
    (r#"{"event_schemas": [{"name": "e", "schema": 1}]}"#, "Property .event_schemas[0].schema must be object"),
    (
        r#"{"webhooks": [{"target_url": "ftp://a", "events": []}]}"#,
        "Property .webhooks[0].target_url must be an absolute URL of http or https",
    ),
    (
        r#"{"webhooks": [{"target_url": "http://127.0.0.1/", "events": ["x"]}]}"#,
        "Property .webhooks[0].events[0] must be equal to one of the allowed values",
    ),
    (r#"{"format": "other"}"#, "Property .format must be equal to one of the allowed values [ voucherify-emulator ]"),
    (r#"{"version": 2}"#, "Property .version must be equal to one of the allowed values [ 1 ]"),
    (r#"{"customers": [{"source_id":"a"},{"source_id":"b"}], "vouchers": []}"#, "Property .vouchers is unknown"),
    ("[]", "Payload must be object"),
    ("null", "Payload must be object"),
];

#[tokio::test]
async fn a_bad_object_is_a_400_with_its_path_and_nothing_changes() {
    let project = TestProject::new();
    let client = project.client();
    let alice = client.customer(json!({"source_id": "alice"})).await;
    client
        .post("/v1/orders", json!({"source_id": "o", "status": "PAID", "amount": 5, "customer": {"id": alice}}))
        .await;
    let before = client.get(PATH).await.expect(200).text;
    let large = json!({"customers": [{"metadata": {"a": "x".repeat(1024 * 1024)}}]}).to_string();
    let too_large = (large.as_str(), "Property .customers[0].metadata must NOT be larger than 1048576 bytes");
    for (document, details) in BAD_DOCUMENTS.iter().chain([&too_large]) {
        let document = document.replace("ALICE", &alice);
        // What comes before the bad object would be loaded.
        for method in [Method::PUT, Method::POST] {
            let answer = client.call(method, PATH, Some(document.clone())).await.expect(400);
            let found = answer.string("/details");
            assert_eq!(answer.string("/key"), "invalid_payload", "{found}");
            assert!(found.starts_with(details), "{found}");
        }
    }
    assert_eq!(client.get(PATH).await.expect(200).text, before);
}

#[tokio::test]
async fn a_document_that_is_not_json_is_a_400() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "alice"})).await;
    let before = client.get(PATH).await.expect(200).text;
    for document in [
        "{",
        "{\"customers\"",
        "{\"customers\":",
        "{\"customers\":[",
        "{\"customers\":[{}",
        "{\"customers\":[{}}",
        "{\"customers\":[{}]",
        "{\"customers\":[{}]} 1",
        "{\"customers\":[{]}}",
        "{\"customers\":[{},]}",
        "{\"customers\":[],}",
        "{\"customers\":[{\"name\":nul}]}",
        "{\"customers\":tru}",
        "{customers:[]}",
        "x",
        "{,}",
        "{\"version\":01}",
    ] {
        let answer = client.call(Method::PUT, PATH, Some(document.to_owned())).await.expect(400);
        assert_ne!(answer.json()["message"], Value::Null, "{document}");
    }
    let twice = r#"{"customers":[],"customers":[]}"#.to_owned();
    let answer = client.call(Method::PUT, PATH, Some(twice)).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .customers must NOT be repeated");
    let deep = format!("{{\"customers\":[{}{}]}}", "[".repeat(200_000), "]".repeat(200_000));
    client.call(Method::PUT, PATH, Some(deep)).await.expect(400);
    client.call(Method::PUT, PATH, None).await.expect(400);
    let headers = [("content-type", "text/csv")];
    client.call_with(Method::PUT, PATH, "{}".into(), &headers).await.expect(415);
    assert_eq!(client.get(PATH).await.expect(200).text, before);
}

#[tokio::test]
async fn a_filter_that_is_not_emulated_is_a_501_with_its_path() {
    let project = TestProject::new();
    let filter = json!({"junction": "and", "address": {"conditions": {"$within": [1]}}});
    let document = json!({"segments": [{"name": "s", "type": "passive", "filter": filter}]});
    let answer = project.client().put(PATH, document).await;
    assert!(answer.text.contains(".segments[0].filter"), "{}", answer.text);
}

#[tokio::test]
async fn the_limits_of_a_project_hold() {
    let project = TestProject::new();
    let client = project.client();
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["a"]}}});
    let segment = json!({"name": "s", "type": "passive", "filter": filter});
    let webhook = json!({"target_url": "http://127.0.0.1/", "events": ["customer.created"]});
    for (member, object) in [("segments", segment), ("webhooks", webhook)] {
        let list = |count: usize| json!({member: vec![object.clone(); count]});
        client.put(PATH, list(100)).await.expect(200);
        for answer in [client.put(PATH, list(101)).await, client.post(PATH, list(1)).await] {
            let details = answer.expect(400).string("/details");
            assert!(
                details.starts_with(&format!("Property .{member}[")) && details.contains("one too many"),
                "{details}"
            );
        }
    }
}
