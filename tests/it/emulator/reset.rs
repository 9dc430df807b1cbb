use axum::http::Method;
use serde_json::{Value, json};

use super::world;
use crate::support::{Receiver, Reply, TestEmulator, TestProject};

const PATH: &str = "/_emulator/reset";

#[tokio::test]
async fn a_reset_removes_every_object_and_counts_them() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    let empty = world::answers(&client).await;
    world::fill(&emulator, &receiver).await;
    let filled = client.get("/_emulator/webhooks").await.expect(200);
    assert_eq!(filled.json()["total"], 2);
    let removed = client.call(Method::POST, PATH, None).await.expect(200);
    insta::assert_snapshot!(removed.snapshot(), @r#"
    {
      "object": "reset",
      "removed": {
        "customers": 3,
        "orders": 3,
        "events": 2,
        "segments": 4,
        "consents": 1,
        "consent_groups": 1,
        "metadata_schemas": 1,
        "event_schemas": 1,
        "webhooks": 2,
        "jobs": 2,
        "exports": 2,
        "deliveries": 3,
        "activity": 15,
        "unconfirmed_customers": 1,
        "permanent_deletions": 1
      }
    }
    "#);
    assert_eq!(world::answers(&client).await, empty);
    assert_eq!(client.get("/_emulator/idle").await.expect(200).json()["unfinished"], 0);
    let again = client.post(PATH, json!({})).await.expect(200).json();
    assert!(again["removed"].as_object().unwrap().values().all(|count| *count == 0), "{again}");
    assert_eq!(emulator.tables_with("alice").await, Vec::<String>::new());
    client.customer(json!({"source_id": "alice"})).await;
    assert_eq!(client.get("/v1/customers").await.expect(200).json()["total"], 1);
}

#[tokio::test]
async fn what_is_kept_stays_and_is_not_counted() {
    let (project, receiver) = (TestProject::new(), Receiver::start().await);
    let client = project.client();
    world::fill(&project, &receiver).await;
    let paths = [
        "/v1/consents",
        "/v1/metadata-schemas",
        "/_emulator/custom-event-schemas",
        "/_emulator/webhooks",
        "/v1/segments?limit=100",
    ];
    let read = async || {
        let mut texts = Vec::new();
        for path in paths {
            texts.push(client.get(path).await.expect(200).text);
        }
        texts
    };
    let before = read().await;
    let keep = json!({"keep": ["schemas", "segments", "consents", "webhooks", "schemas"]});
    let removed = client.post(PATH, keep).await.expect(200).json();
    assert_eq!(read().await, before);
    for kept in ["segments", "consents", "consent_groups", "metadata_schemas", "event_schemas", "webhooks"] {
        assert_eq!(removed["removed"][kept], 0, "{kept}");
    }
    assert_eq!(removed["removed"]["orders"], 3);
    // The segments have no members, and a new customer is compared with their filters.
    let segments = client.get("/v1/segments?limit=100").await.expect(200);
    for id in segments.column("data", "id") {
        let members = client.get(&format!("/v1/customers?segment_id={id}")).await.expect(200);
        assert_eq!(members.json()["total"], 0, "{}", members.text);
    }
    client.customer(json!({"source_id": "new", "metadata": {"tier": "gold"}})).await;
    let names = client.get("/v1/customers/new/segments").await.expect(200).column("data", "name");
    assert_eq!(names, ["auto-update", "passive", "recent"]);
    // The webhooks are notified of it.
    client.get("/_emulator/idle").await.expect(200);
    let deliveries = client.get("/_emulator/webhooks/deliveries").await.expect(200);
    assert_eq!(deliveries.json()["data"].as_array().unwrap().len(), 1);
    client.post(PATH, json!({"keep": ["webhooks"]})).await.expect(200);
    assert_eq!(client.get("/v1/segments").await.expect(200).json()["total"], 0);
    assert_eq!(client.get("/_emulator/webhooks").await.expect(200).json()["total"], 2);
}

#[tokio::test]
async fn an_unknown_name_or_member_is_refused() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let allowed = "must be equal to one of the allowed values [ schemas, segments, consents, webhooks ]";
    for (body, details) in [
        (json!({"keep": ["schemas", "orders"]}), format!("Property .keep[1] {allowed}")),
        (json!({"keep": [1]}), "Property .keep[0] must be string".to_owned()),
        (json!({"keep": "schemas"}), "Property .keep must be array".to_owned()),
        (json!({"kept": []}), "Property .kept is unknown".to_owned()),
        (json!([]), "Payload must be object".to_owned()),
    ] {
        let refused = client.post(PATH, body).await.expect(400);
        assert_eq!((refused.string("/key"), refused.string("/details")), ("invalid_payload".to_owned(), details));
    }
    assert_eq!(client.get("/v1/customers").await.expect(200).json()["total"], 1);
}

#[tokio::test]
async fn other_projects_keys_and_settings_stay() {
    let (project, receiver) = (TestProject::new(), Receiver::start().await);
    let (client, other) = (project.client(), project.other_project());
    world::fill(&project, &receiver).await;
    other.customer(json!({"source_id": "a"})).await;
    let settings = client.put("/_emulator/project", json!({"name": "Changed"})).await.expect(200).text;
    let keys = client.get("/_emulator/keys").await.expect(200).text;
    let before = world::answers(&client).await;
    other.post(PATH, json!({})).await.expect(200);
    assert_eq!(world::answers(&client).await, before);
    client.post(PATH, json!({})).await.expect(200);
    assert_eq!(client.get("/_emulator/project").await.expect(200).text, settings);
    assert_eq!(client.get("/_emulator/keys").await.expect(200).text, keys);
}

#[tokio::test]
async fn jobs_that_wait_and_deliveries_that_are_due_are_cancelled() {
    let mut emulator = TestEmulator::new().await;
    let receiver = Receiver::start().await;
    receiver.always(Reply::Status(500));
    let client = emulator.client();
    let webhook = json!({"target_url": receiver.url(), "events": ["customer.created"]});
    client.post("/_emulator/webhooks", webhook).await.expect(200);
    client.customer(json!({"source_id": "a"})).await;
    receiver.received(1).await;
    emulator.stop_workers().await;
    client.post("/v1/customers/bulk/async", json!([{"source_id": "b"}])).await.expect(202);
    client.post("/v1/exports", json!({"exported_object": "customer"})).await.expect(200);
    let removed = client.post(PATH, json!({"keep": ["webhooks"]})).await.expect(200).json();
    assert_eq!((&removed["removed"]["jobs"], &removed["removed"]["exports"]), (&json!(1), &json!(1)));
    assert_eq!(removed["removed"]["deliveries"], 1);
    let second = emulator.start_another(|_| {}).await;
    let client = second.client();
    assert_eq!(client.get("/_emulator/idle").await.expect(200).json()["unfinished"], 0);
    assert_eq!(client.get("/v1/customers").await.expect(200).json()["total"], 0);
    let webhooks = client.get("/_emulator/webhooks").await.expect(200).json();
    assert_eq!(webhooks["data"][0]["active"], Value::Bool(true));
}
