use serde_json::json;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn event_of_unknown_customer_creates_customer() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"event": "test-event", "customer": {"source_id": "test-customer"}});
    let answer = client.post("/v1/events", body).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "object": "event",
      "type": "test-event",
      "customer": {"id":"<cust_>","source_id":"test-customer","name":null,"email":null,"object":"customer"},
      "referral": null,
      "loyalty": null,
      "metadata": {}
    }
    "#);
    let customer = client.get("/v1/customers/test-customer").await.expect(200).json();
    assert!(customer.get("updated_at").is_none());
    assert_eq!(customer["id"], answer.string("/customer/id"));
}

#[tokio::test]
async fn event_updates_known_customer_with_sent_members() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let id = client.customer(json!({"source_id": "a", "metadata": {"x": 1}})).await;
    let body = json!({"event": "visit", "customer": {"id": id, "name": "A", "email": "a@b.c"}, "metadata": {"p": 1.0},
        "referral": {"code": "R", "referrer_id": "cust_1"}, "loyalty": {"code": "L"}});
    let answer = client.post("/v1/events", body).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "object": "event",
      "type": "visit",
      "customer": {"id":"<cust_>","source_id":"a","name":"A","email":"a@b.c","metadata":{"x":1},"object":"customer"},
      "referral": {"code":"R","referrer_id":"cust_1"},
      "loyalty": {"code":"L"},
      "metadata": {"p":1}
    }
    "#);
    client.post("/v1/events", json!({"event": "visit", "customer": {"source_id": "a"}})).await.expect(200);
    let entries: Vec<String> =
        sqlx::query_scalar("SELECT type FROM customer_activity ORDER BY id").fetch_all(&emulator.pool).await.unwrap();
    let expected = ["customer.created", "customer.updated", "customer.custom_event", "customer.custom_event"];
    assert_eq!(entries, expected, "an event that sends only the source_id records no update");
}

#[tokio::test]
async fn entries_of_one_event_share_group_id() {
    let emulator = TestEmulator::new().await;
    emulator.client().post("/v1/events", json!({"event": "visit", "customer": {"source_id": "a"}})).await.expect(200);
    let groups: Vec<(String, i64)> = sqlx::query_as("SELECT group_id, count(*) FROM customer_activity GROUP BY 1")
        .fetch_all(&emulator.pool)
        .await
        .unwrap();
    assert_eq!((groups.len(), groups[0].1), (1, 2));
    assert!(groups[0].0.starts_with("v-"));
}

#[tokio::test]
async fn missing_and_invalid_members_return_400() {
    let project = TestProject::new();
    let client = project.client();
    let customer = json!({"source_id": "a"});
    for (body, details) in [
        (json!({"customer": customer}), "Payload must have required property 'event'".to_owned()),
        (json!({"event": "e"}), "Payload must have required property 'customer'".to_owned()),
        (json!({"event": 1, "customer": customer}), "Property .event must be string".to_owned()),
        (
            json!({"event": "", "customer": customer}),
            "Property .event must NOT have fewer than 1 characters".to_owned(),
        ),
        (
            json!({"event": "x".repeat(301), "customer": customer}),
            "Property .event must NOT have more than 300 characters".to_owned(),
        ),
        (json!({"event": "e", "customer": null}), "Property .customer must be object".to_owned()),
        (json!({"event": "e", "customer": {"name": 1}}), "Property .customer.name must be string".to_owned()),
        (
            json!({"event": "e", "customer": customer, "referral": {}}),
            "Property .referral should have required property 'code'".to_owned(),
        ),
        (json!({"event": "e", "customer": customer, "metadata": 1}), "Property .metadata must be object".to_owned()),
    ] {
        let answer = client.post("/v1/events", body).await.expect(400);
        assert_eq!(answer.string("/details"), details);
    }
    assert_eq!(client.get("/v1/customers").await.json()["total"], 0);
}

#[tokio::test]
async fn unknown_id_and_id_of_other_project_return_404() {
    let project = TestProject::new();
    let id = project.client().customer(json!({})).await;
    for (client, id) in [(project.client(), "registered_10055"), (project.other_project(), id.as_str())] {
        let error = client.post("/v1/events", json!({"event": "e", "customer": {"id": id}})).await.expect(404).json();
        assert_eq!(error["details"], format!("Cannot find customer with id {id}"));
        assert_eq!(error["resource_type"], "customer");
    }
}
