use serde_json::{Value, json};

use crate::support::{Client, Receiver, TestEmulator, TestProject};

fn path(id: &str) -> String {
    format!("/_emulator/unconfirmed-customers/{id}/confirm")
}

/// Sends a customer with double opt-in and returns the id of the unconfirmed customer.
async fn sign_up(page: &Client, body: Value) -> String {
    page.double_opt_in(body).await.expect(200).string("/id")
}

/// Returns the types of the activity entries of a customer, newest first.
async fn activity(client: &Client, identifier: &str) -> Vec<String> {
    client.get(&format!("/v1/customers/{identifier}/activity")).await.expect(200).column("data", "type")
}

#[tokio::test]
async fn confirmation_creates_the_customer() {
    let emulator = TestEmulator::at("2026-03-01T10:00:00Z").await;
    let client = emulator.client();
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["Alice"]}}});
    client.post("/v1/segments", json!({"name": "S", "type": "auto-update", "filter": filter})).await.expect(200);
    let body = json!({"source_id": "alice", "name": "Alice", "email": "alice@morgan.com", "metadata": {"lang": "en"}});
    let id = sign_up(&emulator.page(), body.clone()).await;
    emulator.set_clock("2026-03-01T10:00:05Z");
    let answer = client.call(axum::http::Method::POST, &path(&id), None).await.expect(200);
    let theirs = emulator.client_with("other", "other").post("/v1/customers", body).await.expect(200);
    assert_eq!(answer.shape(), theirs.shape());
    assert_eq!(answer.string("/created_at"), "2026-03-01T10:00:05.000Z");
    assert_eq!(client.get("/v1/customers/alice").await.expect(200).string("/id"), answer.string("/id"));
    assert_eq!(client.get("/v1/customers?email=alice%40morgan.com").await.json()["total"], 1);
    assert_eq!(client.get("/v1/customers/alice/segments").await.json()["total"], 1);
    assert_eq!(activity(&client, "alice").await, ["customer.segment.entered", "customer.confirmed"]);
    let entries = client.get("/v1/customers/alice/activity?type=customer.confirmed").await.expect(200).json();
    assert_eq!(entries["data"][0]["data"]["data"]["unconfirmed_customer"], json!({"id": id}));
    assert_eq!(entries["data"][0]["data"]["data"]["customer"], answer.json());
    assert_eq!(entries["data"][0]["data"]["event_source"]["channel"], "API");
    assert_eq!(emulator.tables_with(&id).await, ["customer_activity"], "it is no longer unconfirmed");
}

#[tokio::test]
async fn confirmation_is_sent_to_project_webhooks_instead_of_a_creation() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    let events = json!(["customer.confirmed", "customer.created", "customer.updated"]);
    client.post("/_emulator/webhooks", json!({"target_url": receiver.url(), "events": events})).await.expect(200);
    let id = sign_up(&emulator.page(), json!({"source_id": "alice"})).await;
    let customer = client.post(&path(&id), json!({})).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    let messages = receiver.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(
        (messages[0].text("/type"), messages[0].text("/event/type")),
        ("customer.confirmed".to_owned(), "customer.confirmed".to_owned())
    );
    assert_eq!(messages[0].text("/event/entity_id"), customer.string("/id"));
    let data = json!({"customer": customer.json(), "unconfirmed_customer": {"id": id}});
    assert_eq!(messages[0].json()["data"].to_string(), data.to_string(), "the members are in the order of answers");
}

#[tokio::test]
async fn confirmation_updates_a_customer_that_has_the_source_id_by_then() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    let events = json!(["customer.confirmed", "customer.updated"]);
    client.post("/_emulator/webhooks", json!({"target_url": receiver.url(), "events": events})).await.expect(200);
    let sent =
        json!({"source_id": "a", "email": "a@x", "phone": null, "address": {"city": "Berlin"}, "metadata": {"b": 2}});
    let id = sign_up(&emulator.page(), sent).await;
    let known =
        json!({"source_id": "a", "name": "A", "phone": "1", "address": {"country": "DE"}, "metadata": {"a": 1}});
    let customer = client.customer(known).await;
    let confirmed = client.post(&path(&id), json!({})).await.expect(200).json();
    assert_eq!(confirmed["id"], customer);
    assert_eq!((&confirmed["name"], &confirmed["email"], confirmed.get("phone")), (&json!("A"), &json!("a@x"), None));
    assert_eq!(
        (&confirmed["address"], &confirmed["metadata"]),
        (&json!({"city": "Berlin", "country": "DE"}), &json!({"a": 1, "b": 2}))
    );
    assert!(confirmed["updated_at"].is_string());
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1);
    assert_eq!(activity(&client, "a").await, ["customer.confirmed", "customer.created"]);
    client.get("/_emulator/idle").await.expect(200);
    let types: Vec<_> = receiver.messages().iter().map(|message| message.text("/type")).collect();
    assert_eq!(types, ["customer.confirmed"]);
}

#[tokio::test]
async fn confirmation_without_source_id_always_creates_a_customer() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"email": "a@x"})).await;
    let id = sign_up(&project.page(), json!({"email": "a@x"})).await;
    client.post(&path(&id), json!({})).await.expect(200);
    assert_eq!(client.get("/v1/customers?email=a%40x").await.json()["total"], 2);
}

#[tokio::test]
async fn only_the_first_confirmation_in_the_own_project_is_accepted() {
    let project = TestProject::new();
    let client = project.client();
    let id = sign_up(&project.page(), json!({"source_id": "a"})).await;
    let error = project.other_project().post(&path(&id), json!({})).await.expect(404);
    assert_eq!(error.string("/details"), format!("Cannot find unconfirmed_customer with id {id}"));
    client.post(&path(&id), json!({})).await.expect(200);
    client.post(&path(&id), json!({})).await.expect(404);
    for unknown in ["ucust_W8n9I8pJDXlM69j49iKJeYpQ", "a", "%00"] {
        client.post(&path(unknown), json!({})).await.expect(404);
    }
    client.get(&path(&id)).await.expect(405);
    project.page().post(&path(&id), json!({})).await.expect(401);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1);
    // The same customer can be sent and confirmed again, which updates it.
    let again = sign_up(&project.page(), json!({"source_id": "a", "name": "A"})).await;
    assert_ne!(again, id);
    assert_eq!(client.post(&path(&again), json!({})).await.expect(200).string("/name"), "A");
    assert_eq!(client.get("/v1/customers").await.json()["total"], 1);
}

#[tokio::test]
async fn metadata_is_validated_again_and_a_refused_confirmation_can_be_repeated() {
    let project = TestProject::new();
    let client = project.client();
    let id = sign_up(&project.page(), json!({"source_id": "a", "metadata": {"age": "old"}})).await;
    let definition = json!({"type": "number", "optional": true, "array": false});
    let schema = json!({"related_object": "customer", "properties": {"age": definition}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    client.post(&path(&id), json!({})).await.expect(400);
    client.get("/v1/customers/a").await.expect(404);
    let again = sign_up(&project.page(), json!({"source_id": "a", "metadata": {"age": 30}})).await;
    assert_eq!(again, id);
    assert_eq!(client.post(&path(&id), json!({})).await.expect(200).json()["metadata"], json!({"age": 30}));
}

#[tokio::test]
async fn unconfirmed_customer_expires_after_thirty_days() {
    let emulator = TestEmulator::at("2026-03-01T10:00:00Z").await;
    let (client, page) = (emulator.client(), emulator.page());
    let (in_time, late) =
        (sign_up(&page, json!({"email": "a@x"})).await, sign_up(&page, json!({"email": "b@x"})).await);
    let again = sign_up(&page, json!({"source_id": "c"})).await;
    emulator.set_clock("2026-03-31T10:00:00Z");
    client.post(&path(&in_time), json!({})).await.expect(200);
    assert_eq!(sign_up(&page, json!({"source_id": "c"})).await, again, "sending it again extends the time");
    emulator.set_clock("2026-03-31T10:00:01Z");
    client.post(&path(&late), json!({})).await.expect(404);
    emulator.expire_unconfirmed_customers().await;
    let left: Vec<String> =
        sqlx::query_scalar("SELECT id FROM unconfirmed_customers").fetch_all(&emulator.pool).await.unwrap();
    assert_eq!(left, [again]);
}
