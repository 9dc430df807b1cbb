use axum::http::Method;
use serde_json::json;

use super::PATH;
use crate::support::{Client, TestProject};

/// Stops the clock and sets the seed.
async fn begin(client: &Client) {
    client.put("/_emulator/clock", json!({"now": "2030-01-01T00:00:00Z", "frozen": true})).await.expect(200);
    client.put("/_emulator/ids", json!({"seed": "a"})).await.expect(200);
}

/// Makes one object of each kind that a document contains, and returns their ids.
async fn make(client: &Client, name: &str) -> Vec<String> {
    let customer = client.customer(json!({"source_id": name})).await;
    let mut ids = vec![customer.clone()];
    for (path, body) in [
        ("/v1/orders", json!({"amount": 1, "customer": {"id": customer}})),
        ("/v1/segments", json!({"name": name, "type": "static", "customers": []})),
        ("/_emulator/webhooks", json!({"target_url": "http://localhost:9/", "events": ["customer.created"]})),
    ] {
        ids.push(client.post(path, body).await.expect(200).string("/id"));
    }
    client.post("/v1/events", json!({"event": "e", "customer": {"id": customer}})).await.expect(200);
    ids
}

#[tokio::test]
async fn identifiers_of_a_document_are_not_made_again_from_the_same_seed() {
    let saved = TestProject::new().client();
    begin(&saved).await;
    make(&saved, "alice").await;
    make(&saved, "bob").await;
    let document = saved.get(PATH).await.expect(200).text;
    let expected = make(&saved, "carol").await;

    let seeded_before = TestProject::new().client();
    begin(&seeded_before).await;
    seeded_before.call(Method::PUT, PATH, Some(document.clone())).await.expect(200);
    assert_eq!(make(&seeded_before, "carol").await, expected);

    let seeded_after = TestProject::new().client();
    seeded_after.call(Method::PUT, PATH, Some(document)).await.expect(200);
    begin(&seeded_after).await;
    assert_eq!(make(&seeded_after, "carol").await, expected);
}
