//! What the messages say, and who signed them.

use serde_json::json;

use super::{distribution, webhook};
use crate::support::{Answer, Message, Receiver, World};

#[tokio::test]
async fn a_created_customer_is_told_of_byte_for_byte() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
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

/// The message as the shapes of answers show them.
fn shape(message: &Message) -> String {
    let text = String::from_utf8(message.body.to_vec()).unwrap();
    Answer { status: axum::http::StatusCode::OK, headers: message.headers.clone(), text }.shape()
}

#[tokio::test]
async fn a_message_is_signed_over_its_very_bytes() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    client.post("/v1/customers", json!({"name": "Zoë \u{1f600} \u{2028} </script>"})).await.expect(200);
    let message = receiver.received(1).await.remove(0);
    let token = client.get("/_emulator/project").await.expect(200).string("/webhook_token");
    assert!(message.is_signed_with(&token) && !message.is_signed_with("another"));
    // No white space outside of strings: what a receiver writes anew is what was signed.
    assert_eq!(serde_json::to_vec(&message.json()).unwrap(), message.body);
}

#[tokio::test]
async fn a_customer_is_told_of_from_the_creation_to_the_deletion() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
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
    // The order of members that the vendor shows.
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
async fn each_kind_of_webhook_is_told_of_its_own_events() {
    let (world, receiver, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let client = world.client();
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
    let mut told: Vec<_> = messages.iter().map(|message| message.text("/event/type")).collect();
    told.sort();
    let mut expected: Vec<_> = events.iter().map(|&event| event.to_owned()).collect();
    // An order that is paid, or canceled, is updated as well.
    expected.extend(told.iter().filter(|event| *event == "customer.order.updated").skip(1).cloned());
    expected.sort();
    assert_eq!(told, expected);
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
                // The order in which the vendor shows them.
                let updated = ["order", "customer", "referrer", "redemption"];
                let others = ["customer", "referrer", "order", "redemption"];
                assert_eq!(members, if kind == "customer.order.updated" { updated } else { others });
                assert_eq!(data["referrer"]["source_id"], "r");
            }
        }
    }
    // The referrer is created on the way, too.
    let created: Vec<_> = receiver.messages().iter().map(|message| message.text("/data/customer/source_id")).collect();
    assert_eq!(created.len(), 2);
}

#[tokio::test]
async fn a_distribution_without_a_name_shows_the_type_of_the_event() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    distribution(&client, &receiver, None, &["customer.custom_event"]).await;
    client.post("/v1/events", json!({"event": "seen", "customer": {"source_id": "c"}})).await.expect(200);
    assert_eq!(receiver.received(1).await[0].text("/type"), "customer.custom_event");
}

#[tokio::test]
async fn entering_and_leaving_by_the_passing_of_time_is_told() {
    let (world, receiver) = (World::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = world.client();
    let filter = json!({"junction": "and", "created_at": {"conditions": {"$less_than_ago": [1]}}});
    let segment = json!({"name": "New", "type": "auto-update", "filter": filter});
    let segment = client.post("/v1/segments", segment).await.expect(200).string("/id");
    distribution(&client, &receiver, None, &["customer.segment.entered", "customer.segment.left"]).await;
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    receiver.received(1).await;
    world.set_clock("2026-03-05T10:00:00Z");
    client.get(&format!("/v1/customers?segment_id={segment}")).await.expect(200);
    let types: Vec<_> = receiver.received(2).await.iter().map(|message| message.text("/type")).collect();
    assert_eq!(types, ["customer.segment.entered", "customer.segment.left"]);
}

#[tokio::test]
async fn what_comes_in_many_at_once_is_not_told() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created", "customer.updated"]).await;
    let filter = json!({"junction": "and", "name": {"conditions": {"$is": ["Ann"]}}});
    client.post("/v1/segments", json!({"name": "Anns", "type": "auto-update", "filter": filter})).await.expect(200);
    distribution(&client, &receiver, None, &["customer.segment.entered", "customer.order.created"]).await;
    client.done("/v1/customers/bulk/async", json!([{"source_id": "a", "name": "Ann"}, {"source_id": "b"}])).await;
    client.done("/v1/customers/bulk/async", json!([{"source_id": "b", "name": "Ann"}])).await;
    client.done("/v1/customers/metadata/async", json!({"source_ids": ["a"], "metadata": {"x": 1}})).await;
    client.done("/v1/orders/import", json!([{"source_id": "o", "amount": 1, "customer": {"source_id": "n"}}])).await;
    // The next change is told, so that nothing is still to come before it.
    client.post("/v1/customers", json!({"source_id": "last"})).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    let told: Vec<_> = receiver.messages().iter().map(|message| message.text("/data/customer/source_id")).collect();
    assert_eq!(told, ["last"]);
}

#[tokio::test]
async fn one_request_is_one_group() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    distribution(&client, &receiver, None, &["customer.order.created"]).await;
    client.post("/v1/orders", json!({"amount": 1, "customer": {"source_id": "c"}})).await.expect(200);
    let messages = receiver.received(2).await;
    assert_eq!(messages[0].text("/event/group_id"), messages[1].text("/event/group_id"));
    assert_ne!(messages[0].text("/id"), messages[1].text("/id"));
}

#[tokio::test]
async fn what_is_not_done_is_not_told() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    // The referrer makes the whole order fail, after its customer was created.
    let order = json!({"amount": 1, "customer": {"source_id": "c"}, "referrer": {"id": "cust_nobody"}});
    client.post("/v1/orders", order).await.expect(404);
    client.post("/v1/customers", json!({"source_id": "last"})).await.expect(200);
    client.get("/_emulator/idle").await.expect(200);
    let told: Vec<_> = receiver.messages().iter().map(|message| message.text("/data/customer/source_id")).collect();
    assert_eq!(told, ["last"]);
}

#[tokio::test]
async fn another_project_is_told_nothing() {
    let (world, receiver, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let (client, stranger) = (world.client(), world.stranger());
    webhook(&client, &receiver, &["customer.created"]).await;
    webhook(&stranger, &other, &["customer.created"]).await;
    client.post("/v1/customers", json!({"source_id": "mine"})).await.expect(200);
    stranger.post("/v1/customers", json!({"source_id": "theirs"})).await.expect(200);
    for client in [&client, &stranger] {
        client.get("/_emulator/idle").await.expect(200);
    }
    let (mine, theirs) = (receiver.messages(), other.messages());
    assert_eq!((mine.len(), theirs.len()), (1, 1));
    assert_eq!(mine[0].text("/data/customer/source_id"), "mine");
    assert_ne!(mine[0].text("/project_id"), theirs[0].text("/project_id"));
}
