use axum::http::Method;
use serde_json::{Value, json};

use super::PATH;
use crate::support::{Client, TestProject};

/// Fills a project with every kind of object, in every state that a document shows.
async fn fill(client: &Client) {
    let definition = |kind: &str| json!({"type": kind, "optional": true, "array": false});
    let schema = json!({"related_object": "customer", "properties": {
        "lang": {"type": "string", "optional": true, "array": false, "eq": ["en", "de"]},
        "size": {"type": "number", "optional": true, "array": true, "gte": 1, "deleted": true},
        "since": definition("date"),
    }, "allow_defined_only": false});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    let events = json!({"name": "Viewed", "schema": {"properties": {"page": {"type": "string", "optional": true}}}});
    client.post("/_emulator/custom-event-schemas", events).await.expect(200);
    let consent = json!({"name": "Letters", "description": "By post", "category": "Marketing"});
    client.put("/_emulator/consents/cnst_letters", consent).await.expect(200);
    let group = json!({"name": "All", "consents": ["cnst_letters"]});
    client.put("/_emulator/consent-groups/cnstgr_all", group).await.expect(200);

    let alice = client
        .customer(json!({
            "source_id": "alice", "name": "Alice \"A\" Mörgan", "email": "alice@morgan.com", "phone": "1",
            "description": "d", "birthday": "1990-05-01", "birthdate": "1990-05-01",
            "address": {"city": "Rome", "state": null, "line_1": "1"},
            "metadata": {"lang": "en", "10": 1.5, "9": [null, {"a": "\n"}], "since": "2024-01-01"},
        }))
        .await;
    client.put("/v1/customers/alice", json!({"phone": "2"})).await.expect(200);
    client.put("/v1/customers/alice/consents", json!({"cnst_letters": true, "cnst_other": false})).await.expect(204);
    let state = json!({"summary": {"redemptions": {"total_redeemed": 2}}, "loyalty": {"points": 300},
                       "system_metadata": {"source": "segmentio", "2": 1, "1": 2}});
    client.put("/_emulator/customers/alice/state", state).await.expect(200);
    client.customer(json!({"address": {}, "metadata": {}})).await;
    client.customer(json!({"source_id": "gone"})).await;
    let items = json!([{"product_id": "p", "quantity": 2, "price": 150, "metadata": {"z": 1}},
                       {"source_id": "s", "amount": 70, "sku": {"sku": "S", "price": null}}]);
    for order in [
        json!({"source_id": "o1", "status": "PAID", "items": items, "customer": {"source_id": "alice"},
               "referrer": {"source_id": "gone"}, "metadata": {"b": 1, "a": null}}),
        json!({"source_id": "o2", "status": "FULFILLED", "amount": 500, "customer": {"id": alice},
               "created_at": "2020-01-01T00:00:00Z"}),
        json!({"amount": -5, "items": []}),
        json!({"source_id": "o3", "status": "PAID", "amount": 9, "customer": {"source_id": "gone"}}),
    ] {
        client.post("/v1/orders", order).await.expect(200);
    }
    // The amount of this order is not the sum of its items.
    client.put("/v1/orders/o1", json!({"amount": 999, "metadata": {"c": true}})).await.expect(200);
    for event in [
        json!({"event": "Viewed", "customer": {"source_id": "alice"}, "metadata": {"page": "/"}}),
        json!({"event": "Viewed", "customer": {"source_id": "alice"}}),
        json!({"event": "Clicked", "customer": {"source_id": "gone"}}),
    ] {
        client.post("/v1/events", event).await.expect(200);
    }
    client.delete("/v1/customers/gone").await.expect(204);
    client.post("/v1/segments", json!({"name": "Fixed", "customers": [alice]})).await.expect(200);
    client.post("/v1/segments", json!({"name": "Empty"})).await.expect(200);
    for (kind, filter) in [
        ("auto-update", json!({"junction": "and", "metadata.lang": {"conditions": {"$is": ["en"]}}})),
        ("passive", json!({"junction": "and", "summary.orders.total_count": {"conditions": {"$more_than": [1]}}})),
    ] {
        client.post("/v1/segments", json!({"name": kind, "type": kind, "filter": filter})).await.expect(200);
    }
    for (object, event) in [("webhook", "customer.created"), ("distribution", "customer.segment.entered")] {
        let webhook =
            json!({"object": object, "target_url": "http://127.0.0.1:1/hook", "events": [event], "active": false});
        client.post("/_emulator/webhooks", webhook).await.expect(200);
    }
}

/// Requests everything that a document covers.
async fn answers(client: &Client) -> Vec<String> {
    let mut texts = Vec::new();
    let mut paths = vec![
        "/v1/customers?limit=50&order=source_id".to_owned(),
        "/v1/orders?limit=50&order=created_at".to_owned(),
        "/v1/segments?limit=50".to_owned(),
        "/v1/consents".to_owned(),
        "/v1/metadata-schemas".to_owned(),
        "/_emulator/custom-event-schemas".to_owned(),
        "/_emulator/webhooks".to_owned(),
        "/v1/customers/alice/segments".to_owned(),
    ];
    let segments = client.get("/v1/segments?limit=50").await.expect(200);
    paths.extend(segments.column("data", "id").iter().map(|id| format!("/v1/customers?segment_id={id}")));
    for path in paths {
        texts.push(client.get(&path).await.expect(200).text);
    }
    texts
}

async fn put(client: &Client, document: String) -> Value {
    client.call(Method::PUT, PATH, Some(document)).await.expect(200).json()
}

#[tokio::test]
async fn a_document_in_another_project_gives_the_same_bytes() {
    let project = TestProject::new();
    let (client, other) = (project.client(), project.other_project());
    fill(&client).await;
    other.customer(json!({"source_id": "before"})).await;
    let document = client.get(PATH).await.expect(200).text;
    let loaded = put(&other, document.clone()).await;
    assert_eq!(
        loaded["counts"],
        json!({"customers": 3, "orders": 4, "events": 3, "segments": 4, "consents": 2, "consent_groups": 1,
               "metadata_schemas": 1, "event_schemas": 1, "webhooks": 2})
    );
    assert_eq!(other.get(PATH).await.expect(200).text, document);
    assert_eq!(answers(&other).await, answers(&client).await);
    // Loading the same document again, also beside itself, changes nothing.
    put(&other, document.clone()).await;
    other.call(Method::POST, PATH, Some(document.clone())).await.expect(200);
    assert_eq!(other.get(PATH).await.expect(200).text, document);
    assert_eq!(answers(&other).await, answers(&client).await);
}

#[tokio::test]
async fn a_loaded_project_goes_on_like_the_original() {
    let project = TestProject::new();
    let (client, other) = (project.client(), project.other_project());
    fill(&client).await;
    put(&other, client.get(PATH).await.expect(200).text).await;
    for client in [&client, &other] {
        client.post("/v1/events", json!({"event": "Viewed", "customer": {"source_id": "alice"}})).await.expect(200);
        client.put("/v1/orders/o2", json!({"status": "CANCELED"})).await.expect(200);
        client.put("/v1/customers/alice", json!({"metadata": {"lang": "de"}})).await.expect(200);
        client.delete("/v1/customers/alice").await.expect(204);
    }
    let shape = |text: &str| text.replace(|letter: char| letter.is_ascii_digit(), "0");
    let (own, others) = (answers_without_alice(&client).await, answers_without_alice(&other).await);
    assert_eq!(shape(&others), shape(&own));
}

async fn answers_without_alice(client: &Client) -> String {
    let mut text = client.get("/v1/customers?limit=50&order=source_id").await.expect(200).text;
    let segments = client.get("/v1/segments?limit=50").await.expect(200);
    for id in segments.column("data", "id") {
        text.push_str(&client.get(&format!("/v1/customers?segment_id={id}")).await.expect(200).text);
    }
    text
}

#[tokio::test]
async fn an_empty_project_is_a_document_of_empty_lists() {
    let project = TestProject::new();
    let document = project.client().get(PATH).await.expect(200);
    insta::assert_snapshot!(document.text, @r#"{"format":"voucherify-emulator","version":1,"customers":[],"orders":[],"events":[],"segments":[],"consents":[],"consent_groups":[],"metadata_schemas":[],"event_schemas":[],"webhooks":[]}"#);
    project.other_project().customer(json!({"source_id": "a"})).await;
    assert_eq!(project.client().get(PATH).await.expect(200).text, document.text, "another project is not read");
    put(&project.client(), "{}".to_owned()).await;
    assert_eq!(project.other_project().get("/v1/customers").await.json()["total"], 1, "or changed");
    project.manager().get(PATH).await.expect(401);
}
