//! The content and the signature of messages.

use serde_json::json;

use super::{distribution, webhook};
use crate::support::{Answer, Message, Receiver, TestEmulator};

#[tokio::test]
async fn the_message_about_a_created_customer_has_the_vendors_form() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    let id = webhook(&client, &receiver, &["customer.created"]).await;
    let customer =
        json!({"source_id": "alice@morgan.com", "name": "Alice \"Ä\" Morgan", "metadata": {"a b": [1, 2.50]}});
    client.post("/v1/customers", customer).await.expect(200);
    let messages = receiver.received(1).await;
    let message = &messages[0];
    assert_eq!((message.method.as_str(), message.path.as_str()), ("POST", "/hook"));
    assert_eq!(message.headers["content-type"], "application/json");
    let shape = shape(message).replace(&receiver.url(), "<url>");
    assert_eq!(
        shape,
        concat!(
            r#"{"id":"<whs_>","project_id":"<proj_>","created_at":"<time>","type":"customer.created","data":{"customer":"#,
            r#"{"id":"<cust_>","name":"Alice \"Ä\" Morgan","object":"customer","address":null,"loyalty":{"points":0,"campaigns":{},"#,
            r#""referred_customers":0},"summary":{"orders":{"total_count":0,"total_amount":0,"average_amount":0,"#,
            r#""last_order_amount":0},"redemptions":{"gift":{"amount_to_go":0,"redeemed_amount":0},"loyalty_card":{"points_to_go":0,"#,
            r#""redeemed_points":0},"total_failed":0,"total_redeemed":0,"total_succeeded":0,"total_rolled_back":0,"#,
            r#""total_rollback_failed":0,"total_rollback_succeeded":0}},"metadata":{"a b":[1,2.5]},"referrals":{"total":0,"#,
            r#""campaigns":[]},"source_id":"alice@morgan.com","created_at":"<time>","system_metadata":{}}},"#,
            r#""source":{"id":"<wh_>","object":"webhook","target_url":"<url>"},"event":"#,
            r#"{"id":"<evcus_>","type":"customer.created","created_at":"<time>","entity_id":"<cust_>","group_id":"<v->","#,
            r#""event_source":{"channel":"API","api_key":{"name":"Server-side key","app_id":"c70a6f00-cf91-4756-9df5-47628850002b"}}}}"#
        )
    );
    assert_eq!(message.text("/source/id"), id);
}

/// Returns the body with generated identifiers and times replaced, see [`Answer::shape`].
fn shape(message: &Message) -> String {
    let text = String::from_utf8(message.body.to_vec()).unwrap();
    Answer { status: axum::http::StatusCode::OK, headers: message.headers.clone(), text }.shape()
}

#[tokio::test]
async fn the_signature_covers_the_exact_bytes_of_the_message() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    client.post("/v1/customers", json!({"name": "Zoë \u{1f600} \u{2028} </script>"})).await.expect(200);
    let message = receiver.received(1).await.remove(0);
    let token = client.get("/_emulator/project").await.expect(200).string("/webhook_token");
    assert!(message.is_signed_with(&token) && !message.is_signed_with("another"));
    // The message has no white space outside of strings. A receiver that serialises it again gets the signed bytes.
    assert_eq!(serde_json::to_vec(&message.json()).unwrap(), message.body);
}

#[tokio::test]
async fn the_creation_the_update_and_the_deletion_of_a_customer_are_sent() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created", "customer.updated", "customer.deleted"]).await;
    let id = client.post("/v1/customers", json!({"source_id": "c"})).await.string("/id");
    receiver.received(1).await;
    client.put("/v1/customers/c", json!({"name": "New"})).await.expect(200);
    receiver.received(2).await;
    client.delete("/v1/customers/c").await.expect(204);
    let messages = receiver.received(3).await;
    let types: Vec<_> = messages.iter().map(|message| message.text("/type")).collect();
    assert_eq!(types, ["customer.created", "customer.updated", "customer.deleted"]);
    for message in &messages {
        assert_eq!((message.text("/event/entity_id"), message.text("/data/customer/id")), (id.clone(), id.clone()));
        assert_eq!(message.text("/event/type"), message.text("/type"));
    }
    assert!(messages[0].json().pointer("/data/customer/updated_at").is_none());
    assert!(messages[1].json().pointer("/data/customer/updated_at").is_some());
    // The members have the vendor's order.
    let members: Vec<_> = messages[2].json()["data"]["customer"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        members,
        [
            "id",
            "name",
            "object",
            "address",
            "loyalty",
            "summary",
            "referrals",
            "source_id",
            "created_at",
            "updated_at",
            "system_metadata"
        ]
    );
    let source_id = messages[2].text("/data/customer/source_id");
    let (name, at) = source_id.split_once("_deleted").unwrap();
    assert_eq!(name, "c");
    assert!(at.starts_with("20") && at.ends_with('Z'), "{source_id}");
}

#[tokio::test]
async fn webhooks_and_distributions_get_only_their_events() {
    let (emulator, receiver, other) = (TestEmulator::new().await, Receiver::start().await, Receiver::start().await);
    let client = emulator.client();
    let consent = json!({"name": "Mail", "description": "", "category": "EMAIL"});
    client.put("/_emulator/consents/cnst_mail", consent).await.expect(200);
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["Ann"]}}});
    client.post("/v1/segments", json!({"name": "Anns", "type": "auto-update", "filter": filter})).await.expect(200);
    webhook(&client, &receiver, &["customer.created"]).await;
    let events = [
        "customer.segment.entered",
        "customer.segment.left",
        "customer.order.created",
        "customer.order.updated",
        "customer.order.paid",
        "customer.order.canceled",
        "customer.custom_event",
        "customer.consents.given",
        "customer.consents.revoked",
    ];
    let id = distribution(&client, &other, Some("Something happened"), &events).await;
    client.post("/v1/customers", json!({"source_id": "c", "name": "Ann"})).await.expect(200);
    client.put("/v1/customers/c", json!({"name": "Bob"})).await.expect(200);
    let order =
        json!({"source_id": "o", "amount": 100, "customer": {"source_id": "c"}, "referrer": {"source_id": "r"}});
    client.post("/v1/orders", order).await.expect(200);
    client.put("/v1/orders/o", json!({"status": "PAID"})).await.expect(200);
    client.put("/v1/orders/o", json!({"status": "CANCELED"})).await.expect(200);
    client.post("/v1/events", json!({"event": "seen", "customer": {"source_id": "c"}})).await.expect(200);
    client.put("/v1/customers/c/consents", json!({"cnst_mail": true})).await.expect(204);
    client.put("/v1/customers/c/consents", json!({"cnst_mail": false})).await.expect(204);
    client.get("/_emulator/idle").await.expect(200);
    let messages = other.messages();
    let mut types: Vec<_> = messages.iter().map(|message| message.text("/event/type")).collect();
    types.sort();
    let mut expected: Vec<_> = events.iter().map(|&event| event.to_owned()).collect();
    // A change to paid or canceled is also an update of the order.
    expected.extend(types.iter().filter(|event| *event == "customer.order.updated").skip(1).cloned());
    expected.sort();
    assert_eq!(types, expected);
    for message in &messages {
        assert_eq!(message.text("/type"), "Something happened");
        assert_eq!(
            (message.text("/source/id"), message.text("/source/object")),
            (id.clone(), "distribution".to_owned())
        );
        let data = message.json()["data"].clone();
        let members: Vec<_> = data.as_object().unwrap().keys().cloned().collect();
        match message.text("/event/type").as_str() {
            "customer.segment.entered" | "customer.segment.left" => assert_eq!(members, ["customer", "segment"]),
            "customer.custom_event" => {
                assert_eq!(members, ["event", "event_schema", "customer", "referral", "loyalty"]);
            }
            "customer.consents.given" | "customer.consents.revoked" => assert_eq!(members, ["consents", "customer"]),
            kind => {
                // The members have the vendor's order.
                let updated = ["order", "customer", "referrer", "redemption"];
                let others = ["customer", "referrer", "order", "redemption"];
                assert_eq!(members, if kind == "customer.order.updated" { updated } else { others });
                assert_eq!(data["referrer"]["source_id"], "r");
            }
        }
    }
    // The order also creates its referrer.
    let created: Vec<_> = receiver.messages().iter().map(|message| message.text("/data/customer/source_id")).collect();
    assert_eq!(created.len(), 2);
}

#[tokio::test]
async fn a_distribution_without_a_name_shows_the_type_of_the_event() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    distribution(&client, &receiver, None, &["customer.custom_event"]).await;
    client.post("/v1/events", json!({"event": "seen", "customer": {"source_id": "c"}})).await.expect(200);
    assert_eq!(receiver.received(1).await[0].text("/type"), "customer.custom_event");
}

#[tokio::test]
async fn segment_changes_by_the_passing_of_time_are_sent() {
    let (emulator, receiver) = (TestEmulator::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = emulator.client();
    let filter = json!({"junction": "and", "created_at": {"conditions": {"$less_than_ago": [1]}}});
    let segment = json!({"name": "New", "type": "auto-update", "filter": filter});
    let segment = client.post("/v1/segments", segment).await.expect(200).string("/id");
    distribution(&client, &receiver, None, &["customer.segment.entered", "customer.segment.left"]).await;
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    receiver.received(1).await;
    emulator.set_clock("2026-03-05T10:00:00Z");
    client.get(&format!("/v1/customers?segment_id={segment}")).await.expect(200);
    let types: Vec<_> = receiver.received(2).await.iter().map(|message| message.text("/type")).collect();
    assert_eq!(types, ["customer.segment.entered", "customer.segment.left"]);
}

#[tokio::test]
async fn bulk_operations_send_no_messages() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created", "customer.updated"]).await;
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["Ann"]}}});
    client.post("/v1/segments", json!({"name": "Anns", "type": "auto-update", "filter": filter})).await.expect(200);
    distribution(&client, &receiver, None, &["customer.segment.entered", "customer.order.created"]).await;
    client.done("/v1/customers/bulk/async", json!([{"source_id": "a", "name": "Ann"}, {"source_id": "b"}])).await;
    client.done("/v1/customers/bulk/async", json!([{"source_id": "b", "name": "Ann"}])).await;
    client.done("/v1/customers/metadata/async", json!({"source_ids": ["a"], "metadata": {"x": 1}})).await;
    client.done("/v1/orders/import", json!([{"source_id": "o", "amount": 1, "customer": {"source_id": "n"}}])).await;
    // The next change is sent, and no message is sent before it.
    client.post("/v1/customers", json!({"source_id": "last"})).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    let source_ids: Vec<_> =
        receiver.messages().iter().map(|message| message.text("/data/customer/source_id")).collect();
    assert_eq!(source_ids, ["last"]);
}

#[tokio::test]
async fn messages_of_one_request_have_the_same_group_id() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    distribution(&client, &receiver, None, &["customer.order.created"]).await;
    client.post("/v1/orders", json!({"amount": 1, "customer": {"source_id": "c"}})).await.expect(200);
    let messages = receiver.received(2).await;
    assert_eq!(messages[0].text("/event/group_id"), messages[1].text("/event/group_id"));
    assert_ne!(messages[0].text("/id"), messages[1].text("/id"));
}

#[tokio::test]
async fn a_rolled_back_change_sends_no_message() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    // The unknown referrer fails the request after it has created the customer, so the creation is rolled back.
    let order = json!({"amount": 1, "customer": {"source_id": "c"}, "referrer": {"id": "cust_unknown"}});
    client.post("/v1/orders", order).await.expect(404);
    client.post("/v1/customers", json!({"source_id": "last"})).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    let source_ids: Vec<_> =
        receiver.messages().iter().map(|message| message.text("/data/customer/source_id")).collect();
    assert_eq!(source_ids, ["last"]);
}

#[tokio::test]
async fn messages_are_sent_only_to_webhooks_of_the_project() {
    let (emulator, receiver, other) = (TestEmulator::new().await, Receiver::start().await, Receiver::start().await);
    let (client, other_client) = (emulator.client(), emulator.other_project());
    webhook(&client, &receiver, &["customer.created"]).await;
    webhook(&other_client, &other, &["customer.created"]).await;
    client.post("/v1/customers", json!({"source_id": "mine"})).await.expect(200);
    other_client.post("/v1/customers", json!({"source_id": "theirs"})).await.expect(200);
    for client in [&client, &other_client] {
        client.get("/_emulator/idle").await.expect(200);
    }
    let (mine, theirs) = (receiver.messages(), other.messages());
    assert_eq!((mine.len(), theirs.len()), (1, 1));
    assert_eq!(mine[0].text("/data/customer/source_id"), "mine");
    assert_ne!(mine[0].text("/project_id"), theirs[0].text("/project_id"));
}
