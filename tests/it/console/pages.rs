//! Every page of an empty and of a filled project.

use serde_json::json;

use super::Browser;
use super::browser::HOME;
use crate::support::{Client, TestProject};

/// The pages of a project that need no object.
const PAGES: [&str; 21] = [
    "",
    "/keys",
    "/customers",
    "/customers/search",
    "/customers/search?q=a",
    "/customers/new",
    "/orders",
    "/events",
    "/segments",
    "/segments/new",
    "/consents",
    "/new-consent",
    "/new-consent-group",
    "/metadata-schemas",
    "/metadata-schemas/new",
    "/event-schemas/new",
    "/requests",
    "/webhooks",
    "/webhooks/new",
    "/jobs",
    "/exports",
];

/// Fills a project with one object of each kind. Returns the id of the customer.
pub async fn fill(client: &Client) -> String {
    let customer = json!({"source_id": "alice@morgan.com", "name": "Alice Morgan", "email": "alice@morgan.com",
        "address": {"city": "Berlin"}, "metadata": {"lang": "en"}});
    let id = client.customer(customer).await;
    let reference = json!({"source_id": "alice@morgan.com"});
    let items = json!([{"product_id": "p", "quantity": 1, "price": 500, "product": {"name": "Shoe"}}]);
    let order = json!({"amount": 20000, "status": "PAID", "items": items, "customer": reference, "metadata": {"a": 1}});
    client.post("/v1/orders", order).await.expect(200);
    let event = json!({"event": "page_view", "customer": reference, "metadata": {"page": "/home"}});
    client.post("/v1/events", event).await.expect(200);
    client
        .put("/_emulator/consents/newsletter", json!({"name": "Newsletter", "category": "MARKETING"}))
        .await
        .expect(200);
    client.put(&format!("/v1/customers/{id}/consents"), json!({"newsletter": true})).await.expect(204);
    let filter = json!({"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}});
    client.post("/v1/segments", json!({"name": "Berlin", "type": "auto-update", "filter": filter})).await.expect(200);
    let lang = json!({"lang": {"type": "string", "array": false, "optional": true}});
    client.post("/v1/metadata-schemas", json!({"related_object": "customer", "properties": lang})).await.expect(200);
    id
}

#[tokio::test]
async fn every_page_of_an_empty_project_is_shown() {
    let project = TestProject::new();
    project.client().get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    for page in PAGES {
        browser.page(&format!("{path}{page}")).await;
    }
}

#[tokio::test]
async fn an_empty_list_shows_a_call_that_works() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    for (page, operation) in [
        ("/customers", "/v1/customers"),
        ("/orders", "/v1/orders"),
        ("/events", "/v1/events"),
        ("/segments", "/v1/segments"),
        ("/metadata-schemas", "/v1/metadata-schemas"),
        ("/consents", "/_emulator/consents/newsletter"),
        ("/webhooks", "/_emulator/webhooks"),
        ("/jobs", "/v1/customers/bulk/async"),
        ("/exports", "/v1/exports"),
    ] {
        let html = browser.page(&format!("{path}{page}")).await;
        let text = html.replace("&#34;", "\"").replace("&#39;", "'");
        assert!(text.contains(&format!("curl http://127.0.0.1:8682{operation}")), "{page}");
        let (_, body) = text.split_once("-d '").unwrap();
        let body = serde_json::from_str(body.split("'<").next().unwrap()).unwrap();
        if page == "/consents" {
            client.put(operation, body).await.expect(200);
        } else {
            assert!(client.post(operation, body).await.status.is_success(), "{page}");
        }
        let filled = browser.page(&format!("{path}{page}")).await;
        assert!(!filled.contains("class=\"empty\""), "{page}");
    }
}

#[tokio::test]
async fn every_page_of_a_filled_project_is_shown() {
    let project = TestProject::new();
    let id = fill(&project.client()).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    for page in PAGES {
        browser.page(&format!("{path}{page}")).await;
    }
    for (page, text) in [
        ("", "Alice Morgan"),
        ("/timeline", "customer.custom_event"),
        ("/consents", "Newsletter"),
        ("/edit", "Berlin"),
        ("/delete", "Delete softly"),
        ("/erase", "custom_events"),
    ] {
        let html = browser.page(&format!("{path}/customers/{id}{page}")).await;
        assert!(html.contains(text), "{page}: {html}");
    }
    // The lists link to the objects, and the objects to their customer.
    for (list, detail) in [
        ("/orders", "/orders/"),
        ("/events", "/events/"),
        ("/segments", "/segments/seg_"),
        ("/consents", "/consents/newsletter"),
        ("/metadata-schemas", "/metadata-schemas/ms_"),
    ] {
        let html = browser.page(&format!("{path}{list}")).await;
        let start = html.find(&format!("{path}{detail}")).unwrap_or_else(|| panic!("{list}: {html}"));
        let link = html[start..].split('"').next().unwrap().replace("&#38;", "&");
        browser.page(&link).await;
    }
}

#[tokio::test]
async fn the_source_id_leads_to_the_customer_too() {
    let project = TestProject::new();
    fill(&project.client()).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    assert!(browser.page(&format!("{path}/customers/alice%40morgan.com")).await.contains("<h1>Alice Morgan</h1>"));
}

#[tokio::test]
async fn what_does_not_exist_is_a_page_too() {
    let project = TestProject::new();
    project.client().get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    for missing in [
        format!("{HOME}/none"),
        format!("{HOME}/projects/proj_none"),
        format!("{HOME}/projects/%00"),
        format!("{path}/none"),
        format!("{path}/customers/none"),
        format!("{path}/customers/%00"),
        format!("{path}/customers/none/erase"),
        format!("{path}/orders/none"),
        format!("{path}/events/none?customer=%00"),
        format!("{path}/segments/none"),
        format!("{path}/consents/none"),
        format!("{path}/consents/none/edit"),
        format!("{path}/consents/none/delete"),
        format!("{path}/consent-groups/none/edit"),
        format!("{path}/consent-groups/none/delete"),
        format!("{path}/customers/none/consents"),
        format!("{path}/metadata-schemas/none"),
        format!("{path}/metadata-schemas/none/key"),
        format!("{path}/metadata-schemas/none/delete"),
        format!("{path}/event-schemas/none"),
        format!("{path}/event-schemas/none/key?key=a"),
        format!("{path}/keys/none/revoke?family=server"),
        format!("{path}/erasures/none"),
        format!("{path}/requests/none"),
        format!("{path}/requests?before=none"),
        format!("{path}/webhooks/none"),
        format!("{path}/webhooks/%00/delete"),
        format!("{path}/webhooks/deliveries/none"),
        format!("{path}/jobs/none"),
        format!("{path}/jobs/none/report"),
        format!("{path}/exports/none"),
        format!("{path}/exports/none/file"),
    ] {
        let answer = browser.get(&missing).await.expect(404);
        assert!(answer.text.contains("<h1>Not found</h1>"), "{missing}");
    }
    browser.send(axum::http::Method::PUT, HOME, String::new(), &[]).await.expect(405);
}

#[tokio::test]
async fn a_query_that_is_refused_is_answered_with_400() {
    let project = TestProject::new();
    fill(&project.client()).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    for query in [
        "/customers?order=never",
        "/customers?filters[nothing][conditions][$is][]=a",
        "/requests?status=never",
        "/requests?path=v1",
        "/webhooks?status=never",
    ] {
        let answer = browser.get(&format!("{path}{query}")).await.expect(400);
        assert!(answer.text.contains("role=\"alert\""), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn requests_of_the_console_are_not_logged() {
    let project = TestProject::new();
    let client = project.client();
    let id = fill(&client).await;
    client.delete("/_emulator/requests").await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    browser.page(&format!("{path}/customers/{id}")).await;
    browser.submit(&format!("{path}/customers/{id}/edit"), &[("name", "Bob")]).await.expect(303);
    let logged = client.get("/_emulator/requests").await.expect(200);
    assert!(!logged.text.contains("/v1/"), "{}", logged.text);
}

#[tokio::test]
async fn files_of_the_console_are_cached_and_need_no_session() {
    let project = TestProject::new();
    let browser = Browser::new(&project);
    let page = browser.page(HOME).await;
    browser.clear_cookies();
    for (name, media) in
        [("stylesheet\" href=\"", "text/css; charset=utf-8"), ("script src=\"", "text/javascript; charset=utf-8")]
    {
        let (_, rest) = page.split_once(name).unwrap();
        let asset = browser.get(rest.split('"').next().unwrap()).await.expect(200);
        assert_eq!(asset.header("content-type"), media);
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(!asset.headers.contains_key("set-cookie"));
    }
}
