use serde_json::json;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn a_project_webhook_is_created_read_changed_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"target_url": "https://shop.example/hook", "events": ["customer.created", "customer.updated"]});
    let created = client.post("/_emulator/webhooks", body).await.expect(200);
    assert_eq!(
        created.shape(),
        concat!(
            r#"{"object":"webhook","created_at":"<time>","id":"<wh_>","events":["customer.created","customer.updated"],"#,
            r#""target_url":"https://shop.example/hook","active":true}"#
        )
    );
    let path = format!("/_emulator/webhooks/{}", created.string("/id"));
    assert_eq!(client.get(&path).await.expect(200).text, created.text);
    let changed = client.put(&path, json!({"events": ["customer.deleted"], "active": false})).await.expect(200);
    assert_eq!(changed.json()["events"], json!(["customer.deleted"]));
    assert_eq!(
        (&changed.json()["active"], changed.string("/target_url").as_str()),
        (&json!(false), "https://shop.example/hook")
    );
    let list = client.get("/_emulator/webhooks").await.expect(200);
    assert_eq!((&list.json()["data"][0], &list.json()["total"]), (&changed.json(), &json!(1)));
    client.delete(&path).await.expect(204);
    client.get(&path).await.expect(404);
    client.delete(&path).await.expect(404);
    client.put(&path, json!({"active": true})).await.expect(404);
}

#[tokio::test]
async fn a_distribution_has_a_name_and_events_of_its_own() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"object": "distribution", "name": "Paid", "target_url": "http://localhost:1", "events": ["customer.order.paid"]});
    let created = client.post("/_emulator/webhooks", body).await.expect(200);
    assert_eq!(
        created.shape(),
        concat!(
            r#"{"object":"distribution","created_at":"<time>","id":"<distr_>","name":"Paid","#,
            r#""events":["customer.order.paid"],"target_url":"http://localhost:1","active":true}"#
        )
    );
    let path = format!("/_emulator/webhooks/{}", created.string("/id"));
    assert_eq!(client.put(&path, json!({"name": ""})).await.expect(200).json()["name"], json!(null));
    let body = json!({"object": "distribution", "target_url": "http://localhost:1", "events": ["customer.created"]});
    let refused = client.post("/_emulator/webhooks", body).await.expect(400).string("/details");
    assert!(refused.starts_with("Property .events[0] must be equal to one of the allowed values ["), "{refused}");
}

#[tokio::test]
async fn invalid_webhooks_are_rejected_with_the_property_name() {
    let project = TestProject::new();
    let client = project.client();
    let url = "http://localhost:1";
    for (body, details) in [
        (json!({"events": []}), "Payload must have required property 'target_url'"),
        (json!({"target_url": url}), "Payload must have required property 'events'"),
        (json!({"target_url": 1, "events": []}), "Property .target_url must be string"),
        (json!({"target_url": null, "events": []}), "Property .target_url must be string"),
        (json!({"target_url": url, "events": "customer.created"}), "Property .events must be array"),
        (json!({"target_url": url, "events": [1]}), "Property .events[0] must be string"),
        (json!({"target_url": url, "events": [], "active": "yes"}), "Property .active must be boolean"),
        (
            json!({"target_url": "your_url", "events": []}),
            "Property .target_url must be an absolute URL of http or https",
        ),
        (
            json!({"target_url": "ftp://x", "events": []}),
            "Property .target_url must be an absolute URL of http or https",
        ),
        (
            json!({"target_url": "http://169.254.169.254/latest", "events": []}),
            "Property .target_url must NOT have a link-local address or that of a cloud's metadata service, unless the emulator is started to allow it",
        ),
        (
            json!({"target_url": format!("http://{}", "x".repeat(2048)), "events": []}),
            "Property .target_url must NOT have more than 2048 characters",
        ),
        (
            json!({"object": "letter", "target_url": url, "events": []}),
            "Property .object must be equal to one of the allowed values [ webhook, distribution ]",
        ),
    ] {
        let answer = client.post("/_emulator/webhooks", body.clone()).await.expect(400);
        assert_eq!(answer.string("/details"), details, "{body}");
    }
    let events = client.post("/_emulator/webhooks", json!({"target_url": url, "events": ["x"]})).await.expect(400);
    assert!(events.string("/details").contains("customer.updated"));
    // Accept the documented event types and the misspelt types of the vendor's specification.
    for event in ["customer.updated", "voucher.gift.balance_added", "voucher.gift.balance_aded"] {
        client.post("/_emulator/webhooks", json!({"target_url": url, "events": [event]})).await.expect(200);
    }
}

#[tokio::test]
async fn a_link_local_target_can_be_allowed() {
    use voucherify_emulator::clock::Clock;
    let emulator = TestEmulator::with(Clock::System, |config| config.webhooks.allow_link_local = true).await;
    let body = json!({"target_url": "http://169.254.169.254/latest", "events": []});
    emulator.client().post("/_emulator/webhooks", body).await.expect(200);
}

#[tokio::test]
async fn a_project_has_at_most_100_webhooks() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"target_url": "http://localhost:1", "events": []});
    for _ in 0..100 {
        client.post("/_emulator/webhooks", body.clone()).await.expect(200);
    }
    let refused = client.post("/_emulator/webhooks", body).await.expect(400);
    assert_eq!(refused.string("/details"), "A project must NOT have more than 100 webhooks");
}

#[tokio::test]
async fn deliveries_can_be_filtered_by_webhook_and_status_and_are_paged() {
    use crate::support::{Receiver, Reply};
    let (emulator, receiver) = (TestEmulator::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = emulator.client();
    let body = json!({"target_url": receiver.url(), "events": ["customer.created"]});
    let webhook = client.post("/_emulator/webhooks", body).await.expect(200).string("/id");
    receiver.replies([Reply::Status(500)]);
    for index in 0..5 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
        receiver.received(index + 1).await;
        client.get("/_emulator/idle").await.expect(200);
    }
    let count = async |query: &str| {
        let answer = client.get(&format!("/_emulator/webhooks/deliveries?{query}")).await.expect(200);
        (answer.column("data", "id"), answer.json())
    };
    assert_eq!(count("status=DELIVERED").await.0.len(), 4);
    assert_eq!(count("status=PENDING").await.0.len(), 1);
    assert_eq!(count("status=FAILED").await.0.len(), 0);
    let (all, _) = count(&format!("webhook_id={webhook}")).await;
    assert_eq!(all.len(), 5);
    assert_eq!(count("webhook_id=wh_other").await.0.len(), 0);
    let (first, page) = count("limit=2").await;
    assert_eq!((&first[..], &page["has_more"]), (&all[..2], &json!(true)));
    let (rest, page) =
        count(&format!("limit=3&starting_after_id={}", page["more_starting_after"].as_str().unwrap())).await;
    assert_eq!((&rest[..], &page["has_more"]), (&all[2..], &json!(false)));
    client.get("/_emulator/webhooks/deliveries?status=LOST").await.expect(400);
}

#[tokio::test]
async fn webhooks_and_deliveries_of_other_projects_return_404() {
    use crate::support::Receiver;
    let (project, receiver) = (TestProject::new(), Receiver::start().await);
    let (client, other) = (project.client(), project.other_project());
    let body = json!({"target_url": receiver.url(), "events": ["customer.created"]});
    let path = format!("/_emulator/webhooks/{}", client.post("/_emulator/webhooks", body).await.string("/id"));
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = receiver.received(1).await[0].text("/id");
    assert_eq!(other.get("/_emulator/webhooks").await.expect(200).json()["total"], 0);
    assert_eq!(other.get("/_emulator/webhooks/deliveries").await.expect(200).json()["data"], json!([]));
    other.get(&path).await.expect(404);
    other.put(&path, json!({"active": false})).await.expect(404);
    other.delete(&path).await.expect(404);
    other.get(&format!("/_emulator/webhooks/deliveries/{delivery}")).await.expect(404);
    other.post(&format!("/_emulator/webhooks/deliveries/{delivery}/replay"), json!(null)).await.expect(404);
    client.get(&path).await.expect(200);
}
