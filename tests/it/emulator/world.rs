//! A project with every kind of object, and all that its API answers about them.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Client, Receiver, TestProject};

/// Creates some objects of every kind, and waits until all work is done.
pub async fn fill(project: &TestProject, receiver: &Receiver) {
    let client = project.client();
    for kind in ["webhook", "distribution"] {
        let event = if kind == "webhook" { "customer.created" } else { "customer.order.paid" };
        let webhook = json!({"object": kind, "target_url": receiver.url(), "events": [event]});
        client.post("/_emulator/webhooks", webhook).await.expect(200);
    }
    let properties = json!({"tier": {"type": "string", "optional": true, "array": false}});
    let schema = json!({"related_object": "customer", "properties": properties});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    let schema = json!({"name": "visit", "schema": {"properties": {"page": {"type": "string", "optional": true}}}});
    client.post("/_emulator/custom-event-schemas", schema).await.expect(200);
    client.put("/_emulator/consents/mail", json!({"name": "Mail"})).await.expect(200);
    client
        .put("/_emulator/consent-groups/all", json!({"name": "All", "description": "", "consents": ["mail"]}))
        .await
        .expect(200);
    let alice = client
        .customer(json!({"source_id": "alice", "name": "Alice", "email": "alice@morgan.com", "birthdate": "1990-03-04",
                         "address": {"city": "Oslo"}, "metadata": {"tier": "gold", "note": "Grüße \"x\""}}))
        .await;
    let bob = client.customer(json!({"source_id": "bob", "email": "bob@morgan.com"})).await;
    client.put("/v1/customers/bob", json!({"phone": "+48 1"})).await.expect(200);
    client.put("/v1/customers/alice/consents", json!({"mail": true})).await.expect(204);
    let loyalty = json!({"loyalty": {"points": 3}, "system_metadata": {"source": "segmentio"}});
    client.put("/_emulator/customers/alice/state", loyalty).await.expect(200);
    for (number, status) in ["PAID", "CREATED", "FULFILLED"].into_iter().enumerate() {
        let order = json!({"source_id": format!("order {number}"), "status": status, "amount": 1000 + number,
                           "customer": {"id": alice}, "referrer": {"id": bob}, "metadata": {"n": number},
                           "items": [{"sku_id": "sku_1", "quantity": 1, "price": 5}]});
        client.post("/v1/orders", order).await.expect(200);
    }
    for page in ["a", "b"] {
        let event = json!({"event": "visit", "customer": {"source_id": "alice"}, "metadata": {"page": page}});
        client.post("/v1/events", event).await.expect(200);
    }
    client.post("/v1/segments", json!({"name": "Static", "customers": [alice]})).await.expect(200);
    for kind in ["auto-update", "passive"] {
        let filter = json!({"junction": "and", "metadata.tier": {"conditions": {"$is": ["gold"]}}});
        client.post("/v1/segments", json!({"name": kind, "type": kind, "filter": filter})).await.expect(200);
    }
    let recent = json!({"junction": "and", "created_at": {"conditions": {"$less_than_ago": [1]}}});
    client.post("/v1/segments", json!({"name": "recent", "type": "auto-update", "filter": recent})).await.expect(200);
    client.done("/v1/customers/bulk/async", json!([{"source_id": "carol", "metadata": {"tier": "gold"}}, {"source_id": "wrong", "metadata": {"tier": 1}}])).await;
    client.import_csv("source_id,name\ndave,Dave\nerin,Erin\n").await;
    let export = json!({"exported_object": "customer", "parameters": {"fields": ["source_id", "email"]}});
    client.post("/v1/exports", export).await.expect(200);
    client.post("/v1/orders/export", json!({})).await.expect(200);
    project.page().double_opt_in(json!({"source_id": "frank", "email": "frank@morgan.com"})).await.expect(200);
    client.delete("/v1/customers/dave").await.expect(204);
    client.call(Method::POST, "/v1/customers/erin/permanent-deletion", None).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
}

/// Returns the path and the text of every answer about the objects of the project.
pub async fn answers(client: &Client) -> Vec<(String, String)> {
    let mut paths: Vec<String> = [
        "/v1/customers?limit=100",
        "/v1/customers?limit=100&order=-created_at&email=alice%40morgan.com",
        "/v1/orders?limit=100",
        "/v1/orders?limit=100&order=updated_at",
        "/v1/segments?limit=100",
        "/v1/consents",
        "/v1/async-actions?limit=100",
        "/v1/exports?limit=100",
        "/v1/metadata-schemas",
        "/_emulator/custom-event-schemas",
        "/_emulator/webhooks",
        "/_emulator/webhooks/deliveries?limit=100",
        "/_emulator/project",
    ]
    .map(str::to_owned)
    .into();
    for (list, rows, details) in [
        ("/v1/customers?limit=100", "customers", &["", "/activity", "/activities", "/segments", "/redeemables"][..]),
        ("/v1/orders?limit=100", "orders", &[""]),
        ("/v1/segments?limit=100", "data", &[""]),
        ("/v1/async-actions?limit=100", "async_actions", &[""]),
        ("/v1/exports?limit=100", "exports", &[""]),
        ("/_emulator/webhooks/deliveries?limit=100", "data", &[""]),
    ] {
        let base = list.split('?').next().unwrap();
        let answer = client.get(list).await.expect(200);
        for row in answer.json()[rows].as_array().unwrap_or_else(|| panic!("{}", answer.text)) {
            let id = row["id"].as_str().unwrap();
            paths.extend(details.iter().map(|detail| format!("{base}/{id}{detail}")));
        }
    }
    let mut answers = Vec::new();
    for path in paths {
        let answer = client.get(&path).await;
        for url in downloads(&answer.text) {
            let file = client.download(&url).await;
            answers.push((url, file.text));
        }
        answers.push((path, answer.text));
    }
    answers
}

/// Returns the URLs of the files that an answer links to.
fn downloads(text: &str) -> Vec<String> {
    let mut urls = Vec::new();
    if let Ok(value) = serde_json::from_str(text) {
        collect_downloads(&value, &mut urls);
    }
    urls
}

fn collect_downloads(value: &Value, urls: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains("token=") => urls.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect_downloads(item, urls)),
        Value::Object(members) => members.values().for_each(|member| collect_downloads(member, urls)),
        _ => {}
    }
}
