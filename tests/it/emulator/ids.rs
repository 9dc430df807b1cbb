use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, TestProject};

const PATH: &str = "/_emulator/ids";

async fn seed(client: &Client, seed: &str) {
    client.put(PATH, json!({"seed": seed})).await.expect(200);
}

#[tokio::test]
async fn the_mode_is_shown() {
    let client = TestProject::new().client();
    assert_eq!(client.get(PATH).await.expect(200).text, r#"{"object":"ids","mode":"random"}"#);
    let seeded = client.put(PATH, json!({"seed": "any text"})).await.expect(200);
    assert_eq!(seeded.text, r#"{"object":"ids","mode":"seeded","seed":"any text"}"#);
    assert_eq!(client.get(PATH).await.expect(200).text, seeded.text);
    assert_eq!(client.delete(PATH).await.expect(204).text, "");
    assert_eq!(client.get(PATH).await.expect(200).text, r#"{"object":"ids","mode":"random"}"#);
}

#[tokio::test]
async fn a_wrong_seed_is_refused() {
    let client = TestProject::new().client();
    for (body, details) in [
        (json!({}), "Payload must have required property 'seed'"),
        (json!({"seed": ""}), "Property .seed must NOT have fewer than 1 characters"),
        (json!({"seed": 1}), "Property .seed must be string"),
        (json!({"seed": null}), "Property .seed must be string"),
        (json!({"seed": "é".repeat(101)}), "Property .seed must NOT have more than 100 characters"),
        (json!({"seed": "a", "kind": "b"}), "Property .kind is unknown"),
    ] {
        assert_eq!(client.put(PATH, body.clone()).await.expect(400).string("/details"), details, "{body}");
    }
    client.put(PATH, json!({"seed": "é".repeat(100)})).await.expect(200);
}

/// Makes one identifier of each kind, and returns all answers.
async fn scenario(client: &Client) -> Vec<Value> {
    client.put("/_emulator/clock", json!({"now": "2030-01-01T00:00:00Z", "frozen": true})).await.expect(200);
    seed(client, "scenario").await;
    let mut answers = Vec::new();
    let mut post = async |path: &str, body: Value| {
        let answer = client.post(path, body).await.json();
        answers.push(answer);
    };
    let hook = json!({"target_url": "http://localhost:9/", "events": ["customer.created"], "active": false});
    post("/_emulator/webhooks", hook).await;
    let schema = json!({"related_object": "customer", "properties": {"a": {"type": "string", "optional": true, "array": false}}});
    post("/v1/metadata-schemas", schema).await;
    post("/v1/customers", json!({"source_id": "alice"})).await;
    post("/v1/customers", json!({"source_id": "bob"})).await;
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["Bob"]}}});
    post("/v1/segments", json!({"name": "s", "type": "auto-update", "filter": filter})).await;
    post("/v1/segments", json!({"name": "t", "type": "static", "customers": []})).await;
    post("/v1/orders", json!({"amount": 1, "customer": {"source_id": "alice"}})).await;
    post("/v1/orders", json!({"amount": -1})).await;
    post("/v1/events", json!({"event": "e", "customer": {"source_id": "alice"}})).await;
    post("/v1/customers/bulk/async", json!([{"source_id": "bob", "name": "Bob"}])).await;
    post("/v1/exports", json!({"exported_object": "customer"})).await;
    client.get("/_emulator/idle").await.expect(200);
    for path in ["/v1/customers", "/v1/customers/alice/activity", "/v1/customers/bob/activity", "/v1/segments"] {
        answers.push(client.get(path).await.expect(200).json());
    }
    for path in ["/v1/customers/none", "/v1/none", "/v1/orders?limit=x"] {
        answers.push(client.get(path).await.json());
    }
    answers.push(client.delete("/v1/customers").await.expect(405).json());
    answers.push(client.call(Method::POST, "/v1/customers/alice/permanent-deletion", None).await.expect(200).json());
    answers
}

#[tokio::test]
async fn the_same_calls_with_the_same_seed_get_the_same_identifiers() {
    let project = TestProject::new();
    let (one, other) = (scenario(&project.client()).await, scenario(&project.other_project()).await);
    for (one, other) in one.iter().zip(&other) {
        let text = |answer: &Value| {
            let mut answer = answer.clone();
            // Keys, and the secret tokens in the links of exports and reports, differ.
            remove(&mut answer, &["app_id", "result", "url"]);
            answer.to_string()
        };
        assert_eq!(text(one), text(other));
    }
}

fn remove(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !names.contains(&name.as_str()));
            members.values_mut().for_each(|member| remove(member, names));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, names)),
        _ => {}
    }
}

#[tokio::test]
async fn an_identifier_depends_on_its_number_and_not_on_other_kinds() {
    let project = TestProject::new();
    let (one, other) = (project.client(), project.other_project());
    seed(&one, "a").await;
    seed(&other, "a").await;
    let first = one.customer(json!({"source_id": "alice"})).await;
    other.post("/v1/segments", json!({"name": "t", "type": "static", "customers": []})).await.expect(200);
    other.post("/v1/customers", json!({"source_id": 1.5})).await.expect(400);
    assert_eq!(other.customer(json!({"source_id": "carol"})).await, first);
    let second = one.customer(json!({"source_id": "bob"})).await;
    assert_ne!(first, second);
    assert!(first.starts_with("cust_") && first.len() == 29);
}

#[tokio::test]
async fn no_identifier_repeats_in_a_project_with_data() {
    let client = TestProject::new().client();
    seed(&client, "a").await;
    let first = client.customer(json!({"source_id": "1"})).await;
    seed(&client, "a").await;
    let second = client.customer(json!({"source_id": "2"})).await;
    client.delete(PATH).await.expect(204);
    let third = client.customer(json!({"source_id": "3"})).await;
    seed(&client, "b").await;
    let fourth = client.customer(json!({"source_id": "4"})).await;
    seed(&client, "a").await;
    let fifth = client.customer(json!({"source_id": "5"})).await;
    let mut all = vec![first, second, third, fourth, fifth];
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 5);
}

#[tokio::test]
async fn a_seed_begins_again_in_a_project_without_data() {
    let project = TestProject::new();
    let (client, other) = (project.client(), project.other_project());
    for client in [&client, &other] {
        client.put("/_emulator/clock", json!({"now": "2030-01-01", "frozen": true})).await.expect(200);
        seed(client, "a").await;
    }
    client.get("/v1/customers/none").await.expect(404);
    seed(&client, "a").await;
    let refused = client.get("/v1/customers/none").await.expect(404);
    let expected = other.get("/v1/customers/none").await.expect(404);
    assert_eq!(refused.text, expected.text);
}

#[tokio::test]
async fn concurrent_calls_of_a_seeded_project_get_different_identifiers() {
    let client = TestProject::new().client();
    seed(&client, "a").await;
    let calls = (0..24).map(|number| client.customer(json!({"source_id": number.to_string()})));
    let mut ids = join_all(calls).await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 24);
}

#[tokio::test]
async fn a_seed_belongs_to_one_project() {
    let project = TestProject::new();
    seed(&project.client(), "a").await;
    assert_eq!(project.other_project().get(PATH).await.expect(200).string("/mode"), "random");
}
