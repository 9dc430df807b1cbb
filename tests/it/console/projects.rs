//! The list of projects, and the separation between them.

use serde_json::json;

use super::Browser;
use super::browser::HOME;
use super::pages::fill;
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn the_default_project_is_first_and_others_are_found() {
    let emulator = TestEmulator::new().await;
    for number in 0..30 {
        emulator.client_with(&format!("key {number}"), "token").get("/v1/customers").await.expect(200);
    }
    emulator.client().customer(json!({"source_id": "a"})).await;
    let browser = Browser::new(&emulator);
    let first = browser.page(HOME).await;
    let names: Vec<_> = first.split("/_emulator/console/projects/").skip(1).collect();
    assert!(names[0].contains("(default)") && names[0].contains(">1</span>"), "{}", names[0]);
    assert!(first.contains("key 29") && !first.contains("key 4<"), "{first}");
    let (_, next) = first.split_once(&format!("{HOME}?before=")).unwrap();
    let second = browser.page(&format!("{HOME}?before={}", next.split('"').next().unwrap())).await;
    assert!(second.contains("key 4<") && second.contains("key 0<") && !second.contains("(default)"), "{second}");

    let by_key = browser.page(&format!("{HOME}?q=key%2017")).await;
    assert!(by_key.contains("key 17") && !by_key.contains("key 18"));
    assert!(browser.page(&format!("{HOME}?q=sandbox")).await.contains("(default)"));
    assert!(browser.page(&format!("{HOME}?q=nothing")).await.contains("No project matches"));
}

#[tokio::test]
async fn keys_show_the_tokens_that_are_known() {
    let emulator = TestEmulator::new().await;
    emulator.client_with("provisioned", "secret token").get("/v1/customers").await.expect(200);
    // An empty project would show a call with its public token.
    emulator.client().customer(serde_json::json!({"name": "Alice"})).await;
    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    let token = emulator.server_keys().1.to_owned();
    assert!(!browser.page(&path).await.contains(&token), "only on request");
    assert!(browser.page(&format!("{path}/keys")).await.contains(&token));
    let path = browser.project_path("provisioned").await;
    let keys = browser.page(&format!("{path}/keys")).await;
    assert!(keys.contains("cannot be shown: the token of the first request") && !keys.contains("secret token"));
}

#[tokio::test]
async fn pages_of_a_project_show_nothing_of_another() {
    let project = TestProject::new();
    let id = fill(&project.client()).await;
    let orders = project.client().get("/v1/orders").await.expect(200);
    let segments = project.client().get("/v1/segments").await.expect(200);
    let (order, segment) = (orders.string("/orders/0/id"), segments.string("/data/0/id"));
    let schema = project.client().get("/v1/metadata-schemas").await.expect(200).string("/schemas/0/id");
    let key = project.server_keys().0.replace(' ', "%20");
    project.other_project().get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let other = browser.project_path(project.other_keys().0).await;
    for page in [
        "",
        "/customers",
        "/customers/search?q=alice",
        "/orders",
        "/events",
        "/segments",
        "/consents",
        "/metadata-schemas",
        "/metadata-schemas/new",
        "/new-consent-group",
        "/keys",
    ] {
        let html = browser.page(&format!("{other}{page}")).await;
        for text in [&id, &order, &segment, "Alice Morgan", "page_view<", "Newsletter<"] {
            let is_example = html.contains("class=\"empty\"") && text == "Alice Morgan";
            assert!(!html.contains(text) || is_example, "{page} shows {text}");
        }
    }
    for page in [
        format!("/customers/{id}"),
        format!("/customers/{id}/timeline"),
        format!("/customers/{id}/edit"),
        format!("/customers/{id}/erase"),
        format!("/orders/{order}"),
        format!("/segments/{segment}"),
        format!("/customers/{id}/consents"),
        "/consents/newsletter/edit".to_owned(),
        "/consents/newsletter/delete".to_owned(),
        format!("/metadata-schemas/{schema}"),
        format!("/metadata-schemas/{schema}/key?key=lang"),
        format!("/metadata-schemas/{schema}/delete"),
        format!("/keys/{key}/revoke?family=server"),
    ] {
        browser.get(&format!("{other}{page}")).await.expect(404);
    }
    for action in ["edit", "delete", "erase"] {
        browser.submit(&format!("{other}/customers/{id}/{action}"), &[("name", "Eve")]).await.expect(404);
    }
    browser.submit(&format!("{other}/segments/{segment}/delete"), &[]).await.expect(404);
    let fields = [
        ("consent", "newsletter"),
        ("given", "false"),
        ("name", "Eve"),
        ("key", "lang"),
        ("type", "string"),
        ("family", "server"),
    ];
    for action in [
        format!("/customers/{id}/consents"),
        "/consents/newsletter/edit".to_owned(),
        "/consents/newsletter/delete".to_owned(),
        format!("/metadata-schemas/{schema}/key"),
        format!("/metadata-schemas/{schema}/key/remove"),
        format!("/metadata-schemas/{schema}/key/purge"),
        format!("/metadata-schemas/{schema}/settings"),
        format!("/metadata-schemas/{schema}/delete"),
        format!("/keys/{key}/revoke"),
    ] {
        browser.submit(&format!("{other}{action}"), &fields).await.expect(404);
    }
    let schemas = project.client().get("/v1/metadata-schemas").await.expect(200);
    assert_eq!(schemas.string("/schemas/0/properties/lang/type"), "string");
    assert_eq!(project.client().get(&format!("/v1/customers/{id}")).await.expect(200).string("/name"), "Alice Morgan");
}
