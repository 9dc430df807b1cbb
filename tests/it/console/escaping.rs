//! Text of customers stays text.

use serde_json::json;

use super::Browser;
use crate::support::TestProject;

const SCRIPT: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

#[tokio::test]
async fn markup_in_every_text_is_escaped_on_every_page() {
    let project = TestProject::new();
    let client = project.client();
    let text = |name: &str| format!("{name} {SCRIPT}");
    let id = client
        .customer(json!({
            "source_id": text("source"), "name": text("name"), "description": text("description"), "email": text("email"),
            "phone": text("phone"), "metadata": {text("key"): text("value")},
            "address": {"city": text("city"), "state": text("state"), "line_1": text("line_1"), "line_2": text("line_2"),
                        "country": text("country"), "postal_code": text("postal_code")}
        }))
        .await;
    let reference = json!({"id": id});
    let items =
        json!([{"product_id": text("product"), "quantity": 1, "price": 5, "product": {"name": text("product name")}}]);
    let order = json!({"source_id": text("order"), "amount": 5, "status": "PAID", "items": items, "customer": reference,
        "metadata": {text("key"): text("value")}});
    let order = client.post("/v1/orders", order).await.expect(200).string("/id");
    let event = json!({"event": text("event"), "customer": reference, "metadata": {text("key"): text("value")}});
    client.post("/v1/events", event).await.expect(200);
    let consent = json!({"name": text("consent"), "description": text("description"), "category": text("category")});
    client.put("/_emulator/consents/c", consent).await.expect(200);
    client.put(&format!("/v1/customers/{id}/consents"), json!({"c": true})).await.expect(204);
    let group = json!({"name": text("group"), "description": text("description"), "consents": ["c"]});
    client.put("/_emulator/consent-groups/g", group).await.expect(200);
    let filter =
        json!({"junction": "and", "address.city": {"conditions": {"$contains": ["script"], "$is": [text("city")]}}});
    let segment = json!({"name": text("segment"), "type": "auto-update", "filter": filter});
    let segment = client.post("/v1/segments", segment).await.expect(200).string("/id");
    let key = json!({text("key"): {"type": "string", "array": false, "optional": true}});
    let schema = json!({"related_object": "customer", "properties": key});
    let schema = client.post("/v1/metadata-schemas", schema).await.expect(200).string("/id");
    let key = json!({text("key"): {"type": "string", "optional": true}});
    let of_events = json!({"name": text("event"), "schema": {"properties": key}});
    let of_events = client.post("/_emulator/custom-event-schemas", of_events).await.expect(200).string("/id");
    client.put("/_emulator/project", json!({"name": text("project")})).await.expect(200);

    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let events = browser.page(&format!("{path}/events")).await;
    let (_, event) = events.split_once(&format!("{path}/events/")).unwrap();
    let event = event.split('"').next().unwrap().replace("&#38;", "&");
    let query = query_of("q", &text("name"));
    let filters = form_urlencoded::Serializer::new(String::new())
        .append_pair("filters[address.city][conditions][$is]", &text("city"))
        .append_pair("name", &text("name"))
        .finish();
    for page in [
        "/_emulator/console".to_owned(),
        format!("/_emulator/console?{query}"),
        path.clone(),
        format!("{path}/customers"),
        format!("{path}/customers?{filters}"),
        format!("{path}/customers?order={}", query.trim_start_matches("q=")),
        format!("{path}/customers/search?{query}"),
        format!("{path}/customers/{id}"),
        format!("{path}/customers/{id}/timeline"),
        format!("{path}/customers/{id}/edit"),
        format!("{path}/customers/{id}/delete"),
        format!("{path}/customers/{id}/erase"),
        format!("{path}/orders"),
        format!("{path}/orders?customer={}", query.trim_start_matches("q=")),
        format!("{path}/orders/{order}"),
        format!("{path}/events"),
        format!("{path}/events/{event}"),
        format!("{path}/segments"),
        format!("{path}/segments/{segment}"),
        format!("{path}/segments/{segment}/delete"),
        format!("{path}/consents"),
        format!("{path}/consents/c"),
        format!("{path}/metadata-schemas"),
        format!("{path}/metadata-schemas/{schema}"),
        format!("{path}/metadata-schemas/{schema}/key?{}", query_of("key", &text("key"))),
        format!("{path}/event-schemas/{of_events}"),
        format!("{path}/event-schemas/{of_events}/key?{}", query_of("key", &text("key"))),
        format!("{path}/event-schemas/{of_events}/delete"),
        format!("{path}/consents/c/edit"),
        format!("{path}/consent-groups/g/edit"),
        format!("{path}/consent-groups/g/delete"),
        format!("{path}/customers/{id}/consents"),
    ] {
        // A query that is refused is shown too.
        let answer = browser.get(&page).await;
        assert!([200, 400].contains(&answer.status.as_u16()), "{page}: {}", answer.status);
        let html = answer.text;
        assert!(!html.contains("<script>") && !html.contains("<img"), "{page}: {html}");
        if page.starts_with(&path) {
            assert!(html.contains("&#60;script&#62;alert(1)"), "{page} shows the text: {html}");
        }
    }
    let answer =
        browser.submit(&format!("{path}/customers/{id}/edit"), &[("birthdate", SCRIPT), ("name", SCRIPT)]).await;
    let html = answer.expect(400).text;
    assert!(!html.contains("<script>") && html.contains("&#60;script&#62;"), "{html}");
}

fn query_of(name: &str, value: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
}
