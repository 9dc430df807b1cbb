//! The pages of webhooks and their deliveries.

use axum::http::StatusCode;
use serde_json::json;

use super::Browser;
use super::browser::row;
use crate::support::{Receiver, TestEmulator, TestProject};

const WEBHOOKS: &str = "/_emulator/webhooks";

#[tokio::test]
async fn a_webhook_is_created_deactivated_activated_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let form = format!("{path}/webhooks/new");
    let target = "https://user:secret@shop.example/hook";
    let refused = browser.submit(&form, &[("target", target), ("events", "customer.none")]).await.expect(400);
    assert!(refused.text.contains("Property .events[0] must be equal to one of"), "{}", refused.text);
    let fields = [("target", target), ("events", "customer.created\r\n customer.updated \r\n")];
    let (link, page) = browser.submit_and_follow(&form, &fields).await;
    let link = link.split('?').next().unwrap();
    assert!(page.contains("The webhook was created.") && page.contains("<code>customer.updated</code>"), "{page}");
    let list = browser.page(&format!("{path}/webhooks")).await;
    for page in [&page, &list] {
        assert!(page.contains("https://user:***@shop.example/hook") && !page.contains("secret"), "{page}");
    }

    let state = |client| async move {
        let list: crate::support::Client = client;
        list.get(WEBHOOKS).await.expect(200).json()["data"][0]["active"].clone()
    };
    let (_, page) = browser.submit_and_follow(&format!("{link}/active"), &[("active", "false")]).await;
    assert!(page.contains("The webhook was deactivated.") && page.contains(">Activate</button>"), "{page}");
    assert_eq!(state(client.clone()).await, false);
    let (_, page) = browser.submit_and_follow(&format!("{link}/active"), &[("active", "true")]).await;
    assert!(page.contains(">Deactivate</button>"), "{page}");
    assert_eq!(state(client.clone()).await, true);

    assert!(browser.page(&format!("{link}/delete")).await.contains("is removed with all its deliveries"));
    let (_, page) = browser.submit_and_follow(&format!("{link}/delete"), &[]).await;
    assert!(page.contains("The webhook was deleted") && page.contains("There are no webhooks yet"), "{page}");
    assert_eq!(client.get(WEBHOOKS).await.expect(200).json()["total"], 0);
}

#[tokio::test]
async fn a_distribution_is_created_with_its_name() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let fields = [
        ("target", "http://localhost:1"),
        ("kind", "distribution"),
        ("name", "Paid"),
        ("events", "customer.order.paid"),
    ];
    let (_, page) = browser.submit_and_follow(&format!("{path}/webhooks/new"), &fields).await;
    assert!(page.contains("distribution") && page.contains("Paid"), "{page}");
    let created = client.get(WEBHOOKS).await.expect(200).json();
    assert_eq!((&created["data"][0]["object"], &created["data"][0]["name"]), (&json!("distribution"), &json!("Paid")));
}

#[tokio::test]
async fn a_delivery_shows_its_attempts_and_its_message_and_is_replayed_with_the_token_only() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    let target = receiver.url().replace("http://", "http://user:secret@");
    client.post(WEBHOOKS, json!({"target_url": target, "events": ["customer.created"]})).await.expect(200);
    client.customer(json!({"name": "<script>alert(1)</script>"})).await;
    let sent = receiver.received(1).await.remove(0);
    client.get("/_emulator/idle").await.expect(200);

    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    let list = browser.page(&format!("{path}/webhooks")).await;
    assert!(list.contains(">customer.created</a>") && list.contains(">delivered</span>"), "{list}");
    let id = sent.text("/id");
    let link = format!("{path}/webhooks/deliveries/{id}");
    assert!(list.contains(&format!("href=\"{link}\"")), "{list}");
    let page = browser.page(&link).await;
    let attempt = row(&page, "id=\"attempts-heading\"", "1");
    assert_eq!((attempt[2].as_str(), attempt.len()), ("200", 6), "{attempt:?}");
    assert!(page.contains("&#60;script&#62;alert(1)") && !page.contains("<script>"), "{page}");
    assert!(page.contains("user:***@") && !page.contains("secret"), "{page}");

    let replay = format!("{link}/replay");
    let own = [("origin", "http://127.0.0.1:8682")];
    browser.submit_with(&replay, &[], "", &own).await.expect(403);
    browser.submit_with(&replay, &[], &Browser::new(&emulator).form_token().await, &own).await.expect(403);
    browser.get(&replay).await.expect(405);
    let (_, page) = browser.submit_and_follow(&replay, &[]).await;
    assert!(page.contains("The message is in the queue again."), "{page}");
    assert_eq!(receiver.received(2).await[1].text("/id"), id);
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(row(&browser.page(&link).await, "id=\"attempts-heading\"", "2")[2], "200");
    assert_eq!(receiver.messages().len(), 2, "the refused forms sent nothing");
}

#[tokio::test]
async fn deliveries_are_filtered_and_those_of_another_project_are_not_found() {
    let project = TestProject::new();
    let client = project.client();
    let webhook = client
        .post(WEBHOOKS, json!({"target_url": "http://localhost:1", "events": ["customer.created"]}))
        .await
        .expect(200)
        .string("/id");
    client.customer(json!({"name": "Alice"})).await;
    project.other_project().get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let other = browser.project_path(project.other_keys().0).await;
    let delivery = client.get("/_emulator/webhooks/deliveries").await.expect(200).string("/data/0/id");
    for (page, is_shown) in [
        (format!("{path}/webhooks/{webhook}"), true),
        (format!("{path}/webhooks?status=PENDING"), true),
        (format!("{path}/webhooks?status=DELIVERED"), false),
        (format!("{path}/webhooks/{webhook}?status=FAILED"), false),
        (format!("{other}/webhooks"), false),
    ] {
        assert_eq!(browser.page(&page).await.contains(&delivery), is_shown, "{page}");
    }
    let refused = browser.get(&format!("{path}/webhooks?status=NONE")).await.expect(400);
    assert!(refused.text.contains("role=\"alert\""));
    for page in [format!("{other}/webhooks/{webhook}"), format!("{other}/webhooks/deliveries/{delivery}")] {
        assert_eq!(browser.get(&page).await.status, StatusCode::NOT_FOUND, "{page}");
    }
    browser.submit(&format!("{other}/webhooks/deliveries/{delivery}/replay"), &[]).await.expect(404);
    browser.submit(&format!("{other}/webhooks/{webhook}/delete"), &[]).await.expect(404);
}
