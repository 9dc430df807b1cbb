use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject};

const PATH: &str = "/v1/customers/bulk/async";

async fn report(client: &Client, action: &Value) -> String {
    client.download(action["result"]["reports"][0].as_str().unwrap()).await.expect(200).text
}

#[tokio::test]
async fn customers_are_created_and_updated() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    client.customer(json!({"source_id": "known", "name": "K", "phone": "1", "metadata": {"a": 1, "b": 2}})).await;
    emulator.clock.set("2024-03-01T10:00:05Z".parse().unwrap());
    let answer = client
        .post(
            PATH,
            json!([
                {"source_id": "known", "name": "N", "metadata": {"b": null, "c": {"d": [1]}}},
                {"source_id": "new", "phone": "+0700", "address": {"city": "NY", "country": "US"}},
            ]),
        )
        .await
        .expect(202);
    assert_eq!(answer.shape(), r#"{"async_action_id":"<aa_>"}"#);
    let action = client.action(&answer.string("/async_action_id")).await;
    assert_eq!((&action["type"], &action["status"]), (&json!("CUSTOMERS.BULK_UPDATE"), &json!("DONE")));
    assert_eq!(report(&client, &action).await, "source_id,found,updated\nknown,true,true\nnew,false,true\n");

    let known = client.get("/v1/customers/known").await.json();
    assert_eq!((&known["name"], &known["phone"]), (&json!("N"), &json!("1")));
    assert_eq!(known["metadata"].to_string(), r#"{"a":1,"b":null,"c":{"d":[1]}}"#);
    assert_eq!(known["updated_at"], "2024-03-01T10:00:05.000Z");
    let new = client.get("/v1/customers/new").await.json();
    assert_eq!(new["address"].to_string(), r#"{"city":"NY","country":"US"}"#);
    assert!(new.get("updated_at").is_none() && new.get("metadata").is_none());
    let list = client.get("/v1/customers").await.expect(200);
    assert_eq!(list.column("customers", "source_id"), ["new", "known"]);
    assert_eq!(list.json()["total"], 2);
    assert_eq!(client.get("/v1/customers?city=NY").await.json()["total"], 1);
}

#[tokio::test]
async fn null_address_members_are_stored_as_null() {
    let project = TestProject::new();
    let client = project.client();
    client.done(PATH, json!([{"source_id": "a", "address": {"city": "NY", "country": "US"}}])).await;
    client.done(PATH, json!([{"source_id": "a", "address": {"city": null, "country": null}}])).await;
    assert_eq!(client.get("/v1/customers/a").await.json()["address"].to_string(), r#"{"city":null,"country":null}"#);
}

#[tokio::test]
async fn last_record_for_source_id_wins_and_order_is_kept() {
    let project = TestProject::new();
    let client = project.client();
    let action = client
        .done(PATH, json!([
            {"source_id": "a", "name": "first", "phone": "1"}, {"source_id": "b"}, {"source_id": "a", "name": "last"},
            {"source_id": "c"},
        ]))
        .await;
    assert_eq!(
        report(&client, &action).await,
        "source_id,found,updated\na,false,true\nb,false,true\na,true,true\nc,false,true\n"
    );
    let a = client.get("/v1/customers/a").await.json();
    assert_eq!((&a["name"], &a["phone"]), (&json!("last"), &json!("1")));
    let list = client.get("/v1/customers?order=created_at").await.expect(200);
    assert_eq!(list.column("customers", "source_id"), ["a", "b", "c"]);
}

#[tokio::test]
async fn invalid_records_fail_individually() {
    let project = TestProject::new();
    let client = project.client();
    let schema = json!({"related_object": "customer", "properties": {"age": {"type": "number", "optional": false, "array": false}}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    let action = client
        .done(
            PATH,
            json!([
                {"source_id": "a", "metadata": {"age": 1}},
                {"source_id": "b", "name": 5, "metadata": {"age": 1}},
                {"source_id": "c", "metadata": {"age": "x"}},
                {"source_id": "d"},
                {"source_id": "e", "birthdate": "21-06-1995", "metadata": {"age": 1}},
            ]),
        )
        .await;
    assert_eq!((&action["status"], &action["operation_status"]), (&json!("DONE"), &json!("SUCCESS")));
    let result = &action["result"];
    assert_eq!((&result["done_count"], &result["failed_count"]), (&json!(1), &json!(4)));
    let error = |message: &str, details: &str, key: &str, source_id: &str| json!({"message": message, "details": details, "key": key, "source_id": source_id});
    let (payload, metadata) = ("Invalid payload", "Metadata validation failed");
    assert_eq!(
        result["errors"],
        json!([
            error(payload, "Property .name must be string", "invalid_payload", "b"),
            error(
                metadata,
                "age: must be a number, property is required (actual value is 'x')",
                "metadata_validation_failed",
                "c"
            ),
            error(
                metadata,
                "age: must be a number, property is required (actual value is 'undefined')",
                "metadata_validation_failed",
                "d"
            ),
            error(
                payload,
                "Property .birthdate cannot be recognized as a ISO-8601 compliant date",
                "invalid_payload",
                "e"
            ),
        ])
    );
    assert_eq!(
        report(&client, &action).await,
        "source_id,found,updated\na,false,true\nb,false,false\nc,false,false\nd,false,false\ne,false,false\n"
    );
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1);
    let action = client.done(PATH, json!([{"source_id": "x"}])).await;
    assert_eq!(action["operation_status"], "FAILED", "the action fails when no record succeeded");
}

#[tokio::test]
async fn invalid_body_returns_400_and_creates_no_job() {
    let project = TestProject::new();
    let client = project.client();
    for (body, details) in [
        (json!([]), "Payload must NOT have fewer than 1 items"),
        (json!({}), "Payload must be array"),
        (json!(null), "Payload must be array"),
        (json!([1]), "Property [0] must be object"),
        (json!([{"source_id": "a"}, {"name": "N"}]), "Property [1] should have required property 'source_id'"),
        (json!([{"source_id": 5.5}]), "Property [0].source_id must be string"),
        (json!([{"source_id": null}]), "Property [0].source_id must be string"),
        (json!([{"source_id": ""}]), "Property [0].source_id must NOT have fewer than 1 characters"),
        (json!([{"source_id": "a\u{0}"}]), "Property [0].source_id must NOT contain the character U+0000"),
    ] {
        let error = client.post(PATH, body).await.expect(400);
        assert_eq!(
            (error.string("/key"), error.string("/details")),
            ("invalid_payload".to_owned(), details.to_owned())
        );
    }
    assert_eq!(client.call(Method::POST, PATH, None).await.expect(400).string("/details"), "Payload must be array");
    for body in ["[", "[{]", "[{\"source_id\":\"a\"},]", "x"] {
        let error = client.call(Method::POST, PATH, Some(body.to_owned())).await.expect(400);
        assert_eq!(error.string("/message"), "Invalid request payload JSON format");
    }
    client.call_with(Method::POST, PATH, "[]".into(), &[("content-type", "text/plain")]).await.expect(415);
    assert_eq!(client.get("/v1/async-actions").await.json()["async_actions"], json!([]));
}

#[tokio::test]
async fn body_over_10_mib_returns_413() {
    let project = TestProject::new();
    let client = project.client();
    let description = "x".repeat(4_900);
    let record = |number: usize| format!(r#"{{"source_id":"c{number}","description":"{description}"}}"#);
    let body = format!("[{}]", (0..2_100).map(record).collect::<Vec<_>>().join(","));
    assert!(body.len() > 10_300_000 && body.len() <= 10_485_760);
    let answer = client.call(Method::POST, PATH, Some(body)).await.expect(202);
    assert_eq!(client.action(&answer.string("/async_action_id")).await["result"]["done_count"], 2_100);
    let body = format!("[{}]", (0..2_200).map(record).collect::<Vec<_>>().join(","));
    let error = client.call(Method::POST, PATH, Some(body)).await.expect(413);
    assert_eq!(
        error.text,
        r#"{"statusCode":413,"error":"Request Entity Too Large","message":"Payload content length greater than maximum allowed: 10485760"}"#
    );
}

#[tokio::test]
async fn update_records_only_segment_activity() {
    let project = TestProject::new();
    let client = project.client();
    let segment = json!({"name": "S", "type": "auto-update", "filter": {"junction": "and", "name": {"conditions": {"$is": ["N"]}}}});
    let segment = client.post("/v1/segments", segment).await.expect(200).string("/id");
    let id = client.customer(json!({"source_id": "a"})).await;
    client
        .done(PATH, json!([{"source_id": "a", "name": "N"}, {"source_id": "b", "name": "N"}, {"source_id": "c"}]))
        .await;
    let members = client.get(&format!("/v1/customers?segment_id={segment}")).await.expect(200);
    assert_eq!(members.column("customers", "source_id"), ["b", "a"]);
    assert_eq!(members.json()["total"], 2);
    let activity = client.get(&format!("/v1/customers/{id}/activity")).await.expect(200);
    assert_eq!(activity.column("data", "type"), ["customer.segment.entered", "customer.created"]);
    let activity = client.get("/v1/customers/b/activity").await.expect(200);
    assert_eq!(activity.column("data", "type"), ["customer.segment.entered"]);
}

#[tokio::test]
async fn source_id_of_deleted_customer_creates_new_customer() {
    let project = TestProject::new();
    let client = project.client();
    let old = client.customer(json!({"source_id": "a", "name": "old"})).await;
    client.delete("/v1/customers/a").await.expect(204);
    client.done(PATH, json!([{"source_id": "a", "phone": "1"}])).await;
    let new = client.get("/v1/customers/a").await.json();
    assert!(new["id"] != old && new.get("name").is_none());
}

#[tokio::test]
async fn update_does_not_change_customers_of_other_project() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a", "name": "A"})).await;
    let action = project.other_project().done(PATH, json!([{"source_id": "a", "name": "B"}])).await;
    assert!(report(&project.other_project(), &action).await.ends_with("a,false,true\n"));
    assert_eq!(project.client().get("/v1/customers/a").await.string("/name"), "A");
}

#[tokio::test]
async fn customer_created_and_updated_by_one_job_has_no_updated_at() {
    let project = TestProject::new();
    let client = project.client();
    client.done(PATH, json!([{"source_id": "a", "name": "1"}, {"source_id": "a", "name": "2"}])).await;
    let customer = client.get("/v1/customers/a").await.json();
    assert_eq!(customer["name"], "2");
    assert!(customer.get("updated_at").is_none());
}

#[tokio::test]
async fn deeply_nested_metadata_is_accepted_and_long_error_details_are_truncated() {
    let project = TestProject::new();
    let client = project.client();
    let deep = format!("{}1{}", "[".repeat(123), "]".repeat(123));
    let body = format!(r#"[{{"source_id":"a","metadata":{{"deep":{deep}}}}}]"#);
    let answer = client.call(Method::POST, PATH, Some(body)).await.expect(202);
    assert_eq!(client.action(&answer.string("/async_action_id")).await["result"]["errors"], json!([]));
    assert!(client.get("/v1/customers/a").await.text.contains(&deep));

    let schema = json!({"related_object": "customer", "properties": {"age": {"type": "number", "optional": true, "array": false}}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    let action = client.done(PATH, json!([{"source_id": "a", "metadata": {"age": "x".repeat(100_000)}}])).await;
    let details = action["result"]["errors"][0]["details"].as_str().unwrap();
    assert!(details.starts_with("age: must be a number (actual value is 'xxx") && details.ends_with("x…"));
    assert_eq!(details.chars().count(), 2_001);
}

#[tokio::test]
async fn more_than_100000_records_return_400() {
    let project = TestProject::new();
    let client = project.client();
    let mut body = "[".to_owned() + &r#"{"source_id":"a"},"#.repeat(100_000);
    body += r#"{"source_id":"a"}]"#;
    let error = client.call(Method::POST, PATH, Some(body)).await.expect(400);
    assert_eq!(error.string("/details"), "Payload must NOT have more than 100000 items");
    let error =
        client.post("/v1/customers/metadata/async", json!({"source_ids": vec!["a"; 100_001], "metadata": {}})).await;
    assert_eq!(error.expect(400).string("/details"), "Property .source_ids must NOT have more than 100000 items");
}
