//! The controls of a project: each changes the project, and only it, and shows why an input was refused.

use axum::http::Method;
use serde_json::{Value, json};

use super::Browser;
use super::pages::fill;
use crate::support::{Answer, Client, TestProject};

/// The pages of the controls.
const PAGES: [&str; 11] = [
    "",
    "/clock",
    "/ids",
    "/faults",
    "/faults/new",
    "/snapshots",
    "/state",
    "/reset",
    "/reset/confirm",
    "/strict",
    "/erasure",
];

/// What the controls of a project show.
async fn settings(client: &Client) -> Value {
    let mut settings = Vec::new();
    for path in ["/_emulator/ids", "/_emulator/faults", "/_emulator/snapshots", "/_emulator/project"] {
        settings.push(client.get(path).await.expect(200).json());
    }
    settings.push(client.get("/_emulator/clock").await.expect(200).json()["mode"].clone());
    settings.push(client.get("/_emulator/state").await.expect(200).json());
    settings.into()
}

/// A project with data, another one, and the path of the controls of the first.
struct World {
    project: TestProject,
}

impl World {
    async fn new() -> Self {
        let project = TestProject::new();
        fill(&project.client()).await;
        fill(&project.other_project()).await;
        Self { project }
    }

    async fn browser(&self) -> (Browser<'_>, String) {
        let browser = Browser::new(&self.project);
        let path = browser.project_path(self.project.server_keys().0).await;
        (browser, format!("{path}/controls"))
    }
}

/// Sends a document with the form of the state.
async fn upload(browser: &Browser<'_>, path: &str, token: &str, mode: &str, document: &str) -> Answer {
    let part = |name: &str, value: &str| {
        let file = if name == "document" { "; filename=\"state.json\"\r\nContent-Type: application/json" } else { "" };
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let body = format!("{}{}{}--edge--\r\n", part("form_token", token), part("mode", mode), part("document", document));
    let headers = [("content-type", "multipart/form-data; boundary=edge"), ("origin", "http://127.0.0.1:8682")];
    browser.send(Method::POST, &format!("{path}/state/load"), body, &headers).await
}

#[tokio::test]
async fn every_control_has_a_page_of_an_empty_and_of_a_filled_project() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    for is_filled in [false, true] {
        if is_filled {
            let id = fill(&client).await;
            client.call(Method::PUT, "/_emulator/snapshots/before", None).await.expect(200);
            client.post("/_emulator/faults", json!({"path": "/v1/none", "status": 503})).await.expect(200);
            client.post(&format!("/v1/customers/{id}/permanent-deletion"), json!({})).await.expect(200);
        }
        for page in PAGES {
            let html = browser.page(&format!("{path}/controls{page}")).await;
            let is_framed = page.is_empty() || html.contains("aria-label=\"Controls\"");
            assert!(is_framed && html.contains(">Controls</a>"), "{page}");
        }
    }
}

#[tokio::test]
async fn the_clock_is_frozen_set_advanced_and_real_again() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let (client, other) = (world.project.client(), world.project.other_project());
    let clock = format!("{path}/clock");
    let read = async || client.get("/_emulator/clock").await.expect(200).json();
    let (_, page) = browser.submit_and_follow(&clock, &[("action", "freeze")]).await;
    assert!(page.contains("The clock was changed.") && page.contains("It stands still."));
    assert_eq!(read().await["mode"], "frozen");
    browser.submit(&clock, &[("action", "set"), ("now", "2030-01-01T00:00:00Z"), ("frozen", "")]).await.expect(303);
    assert_eq!(read().await["now"], "2030-01-01T00:00:00.000Z");
    browser.submit(&clock, &[("action", "advance"), ("by", "P1DT2H")]).await.expect(303);
    assert_eq!(read().await["now"], "2030-01-02T02:00:00.000Z");
    browser.submit(&clock, &[("action", "unfreeze")]).await.expect(303);
    assert_eq!(read().await["mode"], "offset");
    browser.submit(&clock, &[("action", "set"), ("now", ""), ("frozen", "true")]).await.expect(303);
    assert_eq!(read().await["mode"], "frozen");
    assert_eq!(other.get("/_emulator/clock").await.expect(200).json()["mode"], "real");
    browser.submit(&clock, &[("action", "real")]).await.expect(303);
    assert_eq!(read().await["mode"], "real");
}

#[tokio::test]
async fn identifiers_are_made_from_a_seed_and_random_again() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let ids = format!("{path}/ids");
    let (_, page) = browser.submit_and_follow(&ids, &[("action", "seed"), ("seed", "a <seed>")]).await;
    assert!(page.contains("a &#60;seed&#62;") && !page.contains("a <seed>"), "{page}");
    assert_eq!(client.get("/_emulator/ids").await.expect(200).json()["seed"], "a <seed>");
    let other = world.project.other_project().get("/_emulator/ids").await.expect(200).json();
    assert_eq!(other["mode"], "random");
    browser.submit(&ids, &[("action", "random")]).await.expect(303);
    assert_eq!(client.get("/_emulator/ids").await.expect(200).json()["mode"], "random");
}

#[tokio::test]
async fn a_fault_is_created_hits_and_is_removed() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let fields = [("operation", "create-customer"), ("status", "503"), ("times", "1"), ("delay_ms", "1-2")];
    let (_, page) = browser.submit_and_follow(&format!("{path}/faults/new"), &fields).await;
    assert!(page.contains("The fault was created.") && page.contains("create-customer"), "{page}");
    client.post("/v1/customers", json!({"source_id": "hit"})).await.expect(503);
    client.post("/v1/customers", json!({"source_id": "not hit"})).await.expect(200);
    world.project.other_project().post("/v1/customers", json!({"source_id": "other"})).await.expect(200);
    let page = browser.page(&format!("{path}/faults")).await;
    assert!(page.contains("used up") && page.contains("delay_ms {&#34;min&#34;:1,&#34;max&#34;:2}"), "{page}");

    let id = client.get("/_emulator/faults").await.expect(200).string("/data/0/id");
    browser.submit(&format!("{path}/faults/new"), &[("connection", "hang"), ("path", "/v1/x")]).await.expect(303);
    browser.submit(&format!("{path}/faults/{id}/delete"), &[]).await.expect(303);
    assert_eq!(client.get("/_emulator/faults").await.expect(200).json()["total"], 1);
    browser.submit(&format!("{path}/faults/{id}/delete"), &[]).await.expect(404);
    let (_, page) = browser.submit_and_follow(&format!("{path}/faults/delete"), &[]).await;
    assert!(page.contains("All faults were removed.") && page.contains("No faults yet"));
    assert_eq!(client.get("/_emulator/faults").await.expect(200).json()["total"], 0);
}

#[tokio::test]
async fn a_snapshot_is_created_restored_and_deleted() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let snapshots = format!("{path}/snapshots");
    let (_, page) = browser.submit_and_follow(&snapshots, &[("name", "before")]).await;
    assert!(page.contains("The snapshot was created.") && page.contains("customers 1"), "{page}");
    let state = client.get("/_emulator/state").await.expect(200).text;
    client.customer(json!({"source_id": "later"})).await;
    let other = settings(&world.project.other_project()).await;
    let page = browser.page(&format!("{snapshots}/before/restore")).await;
    assert!(page.contains("<td>Customers</td>"), "{page}");
    browser.submit(&format!("{snapshots}/before/restore"), &[]).await.expect(303);
    assert_eq!(client.get("/_emulator/state").await.expect(200).text, state);
    browser.page(&format!("{snapshots}/before/delete")).await;
    browser.submit(&format!("{snapshots}/before/delete"), &[]).await.expect(303);
    browser.get(&format!("{snapshots}/before/delete")).await.expect(404);
    browser.submit(&format!("{snapshots}/before/restore"), &[]).await.expect(404);
    assert_eq!(client.get("/_emulator/snapshots").await.expect(200).json()["total"], 0);
    assert_eq!(settings(&world.project.other_project()).await, other);
}

#[tokio::test]
async fn a_reset_shows_what_it_removes_and_keeps_what_was_chosen() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let other = settings(&world.project.other_project()).await;
    let page = browser.page(&format!("{path}/reset/confirm?keep-segments=on")).await;
    assert!(page.contains("<td>Customers</td>") && !page.contains("<td>Segments</td>"), "{page}");
    assert!(page.contains("<li>Segments</li>") && page.contains("name=\"keep-segments\""), "{page}");
    assert_eq!(client.get("/v1/customers").await.expect(200).json()["total"], 1, "the page changes nothing");
    let (_, page) = browser.submit_and_follow(&format!("{path}/reset/confirm"), &[("keep-segments", "on")]).await;
    assert!(page.contains("The project was reset."));
    assert_eq!(client.get("/v1/customers").await.expect(200).json()["total"], 0);
    assert_eq!(client.get("/v1/segments").await.expect(200).json()["total"], 1);
    assert_eq!(client.get("/v1/metadata-schemas").await.expect(200).json()["total"], 0);
    assert_eq!(settings(&world.project.other_project()).await, other);
}

#[tokio::test]
async fn a_state_document_is_downloaded_and_loaded() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let other = settings(&world.project.other_project()).await;
    let answer = browser.get(&format!("{path}/state/document")).await.expect(200);
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"state.json\"");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let document = answer.text;
    assert_eq!(document, client.get("/_emulator/state").await.expect(200).text);

    client.customer(json!({"source_id": "later"})).await;
    let token = browser.form_token().await;
    let added = r#"{"customers": [{"source_id": "added"}]}"#;
    let answer = upload(&browser, &path, &token, "add", added).await.expect(303);
    assert!(answer.header("location").ends_with("?notice=state-loaded"));
    assert_eq!(client.get("/v1/customers").await.expect(200).json()["total"], 3);
    upload(&browser, &path, &token, "replace", &document).await.expect(303);
    assert_eq!(client.get("/_emulator/state").await.expect(200).text, document);
    // A document that is larger than any other form, and larger than what is kept in the memory.
    let customers: Vec<_> = (0..40)
        .map(|number| {
            json!({"source_id": number.to_string(),
        "metadata": {"text": "x".repeat(40_000)}})
        })
        .collect();
    let large = json!({"customers": customers}).to_string();
    upload(&browser, &path, &token, "add", &large).await.expect(303);
    assert_eq!(client.get("/v1/customers").await.expect(200).json()["total"], 41);
    assert_eq!(settings(&world.project.other_project()).await, other);
}

#[tokio::test]
async fn a_wrong_document_changes_nothing_and_shows_the_error() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let before = settings(&client).await;
    let token = browser.form_token().await;
    for (document, error) in [
        (r#"{"customers": [{"email": 5}]}"#, ".customers[0].email"),
        (r#"{"unknown": []}"#, "Property .unknown is unknown"),
        ("{", ""),
        ("", "Payload must be object"),
    ] {
        let answer = upload(&browser, &path, &token, "add", document).await.expect(400);
        assert!(answer.text.contains("role=\"alert\"") && answer.text.contains(error), "{document}: {}", answer.text);
        assert!(answer.text.contains("value=\"add\" checked"), "the choice is kept");
    }
    for wrong in ["", "wrong", &token[1..]] {
        upload(&browser, &path, wrong, "replace", "{}").await.expect(403);
    }
    let headers = [("content-type", "multipart/form-data; boundary=edge"), ("origin", "http://127.0.0.1:8682")];
    let load = format!("{path}/state/load");
    for body in
        ["", "--edge--\r\n", "--edge\r\nContent-Disposition: form-data; name=\"mode\"\r\n\r\nadd\r\n--edge--\r\n"]
    {
        browser.send(Method::POST, &load, body.to_owned(), &headers).await.expect(403);
    }
    let body = format!("--edge\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n{token}\r\n--edge--\r\n");
    browser.send(Method::POST, &load, body.clone(), &headers).await.expect(400);
    let foreign = [headers[0], ("origin", "http://evil.example")];
    browser.send(Method::POST, &load, body.clone(), &foreign).await.expect(403);
    browser.clear_cookies();
    browser.send(Method::POST, &load, body, &headers).await.expect(403);
    upload(&browser, &path, &token, "replace", "{}").await.expect(403);
    assert_eq!(settings(&client).await, before);
}

#[tokio::test]
async fn strict_mode_is_turned_on_and_off() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let surplus = json!({"source_id": "a", "surplus": 1});
    let (_, page) = browser.submit_and_follow(&format!("{path}/strict"), &[("strict", "on")]).await;
    assert!(page.contains("Strict mode was turned on.") && page.contains("Turn it off"));
    client.post("/v1/customers", surplus.clone()).await.expect(400);
    world.project.other_project().post("/v1/customers", surplus.clone()).await.expect(200);
    for page in PAGES {
        browser.page(&format!("{path}{page}")).await;
    }
    browser.submit(&format!("{path}/strict"), &[("strict", "off")]).await.expect(303);
    client.post("/v1/customers", surplus).await.expect(200);
}

#[tokio::test]
async fn an_erasure_check_shows_where_a_value_is() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let id = client.get("/v1/customers").await.expect(200).string("/customers/0/id");
    let erasure = format!("{path}/erasure");
    let values = format!("{id}\r\n\r\nnever seen\r\n");
    let (location, page) = browser.submit_and_follow(&erasure, &[("values", &values)]).await;
    assert!(page.contains("<code>customers</code>") && page.contains("2 values"), "{page}");
    assert!(!location.contains(&id), "no value is in the URL");
    let other = browser.project_path(world.project.other_keys().0).await;
    let (_, query) = location.split_once('?').unwrap();
    let page = browser.page(&format!("{other}/controls/erasure?{query}")).await;
    assert!(!page.contains("<code>customers</code>"), "the result belongs to one project");

    client.post(&format!("/v1/customers/{id}/permanent-deletion"), json!({})).await.expect(200);
    let (_, page) = browser.submit_and_follow(&erasure, &[("values", "alice@morgan.com")]).await;
    assert!(page.contains("Nothing was found") && page.contains("1 permanent deletion<"), "{page}");
    assert!(page.contains("/erasures/"), "{page}");
}

#[tokio::test]
async fn wrong_input_is_shown_with_the_error_and_changes_nothing() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    let before = settings(&client).await;
    for (page, fields, error, kept) in [
        ("clock", vec![("action", "advance"), ("by", "a day")], "Property .by", "value=\"a day\""),
        ("clock", vec![("action", "advance"), ("by", "-P1D")], "Property .by", "value=\"-P1D\""),
        ("clock", vec![("action", "set"), ("now", "1999-01-01"), ("frozen", "true")], ".now", "value=\"1999-01-01\""),
        ("clock", vec![("action", "set"), ("now", "never")], ".now", "value=\"never\""),
        ("clock", vec![("action", "set"), ("now", "")], "Payload must have", ""),
        ("ids", vec![("action", "seed"), ("seed", "")], ".seed", ""),
        ("snapshots", vec![("name", "a b")], "name", "value=\"a b\""),
        ("snapshots", vec![("name", "")], "must have a name", ""),
        ("faults/new", vec![("path", "/v1/x")], "Payload must have one of", "value=\"/v1/x\""),
        ("faults/new", vec![("operation", "none"), ("status", "503")], ".operation", "value=\"none\""),
        ("faults/new", vec![("status", "200")], ".status", "value=\"200\""),
        ("faults/new", vec![("status", "503"), ("skip", "some")], ".skip", "value=\"some\""),
        ("faults/new", vec![("delay_ms", "5-1")], ".delay_ms", "value=\"5-1\""),
        ("faults/new", vec![("status", "503"), ("body", "{")], "is not JSON", "{</textarea>"),
        ("faults/new", vec![("connection", "hang"), ("status", "500")], ".connection", "<option selected>hang"),
        ("erasure", vec![("values", "abc")], ".values[0]", "abc</textarea>"),
        ("erasure", vec![("values", "")], ".values", ""),
    ] {
        let answer = browser.submit(&format!("{path}/{page}"), &fields).await.expect(400);
        assert!(answer.text.contains("role=\"alert\""), "{page} {fields:?}: {}", answer.text);
        assert!(answer.text.contains(error) && answer.text.contains(kept), "{page} {fields:?}: {}", answer.text);
    }
    for page in ["clock", "ids", "strict"] {
        browser.submit(&format!("{path}/{page}"), &[("action", "unknown")]).await.expect(400);
    }
    assert_eq!(settings(&client).await, before);
}

#[tokio::test]
async fn a_control_without_session_or_token_changes_nothing() {
    let world = World::new().await;
    let (browser, path) = world.browser().await;
    let client = world.project.client();
    client.call(Method::PUT, "/_emulator/snapshots/before", None).await.expect(200);
    let fault = client.post("/_emulator/faults", json!({"path": "/v1/none", "status": 503})).await.expect(200);
    let fault = fault.string("/id");
    let before = settings(&client).await;
    let token = browser.form_token().await;
    let actions = [
        ("clock".to_owned(), vec![("action", "freeze")]),
        ("ids".to_owned(), vec![("action", "seed"), ("seed", "s")]),
        ("faults/new".to_owned(), vec![("status", "503")]),
        (format!("faults/{fault}/delete"), vec![]),
        ("faults/delete".to_owned(), vec![]),
        ("snapshots".to_owned(), vec![("name", "new")]),
        ("snapshots/before/restore".to_owned(), vec![]),
        ("snapshots/before/delete".to_owned(), vec![]),
        ("reset/confirm".to_owned(), vec![]),
        ("strict".to_owned(), vec![("strict", "on")]),
        ("erasure".to_owned(), vec![("values", "alice@morgan.com")]),
    ];
    let own = ("origin", "http://127.0.0.1:8682");
    for (page, fields) in &actions {
        let page = format!("{path}/{page}");
        browser.submit_with(&page, fields, "", &[own]).await.expect(403);
        browser.submit_with(&page, fields, &token[1..], &[own]).await.expect(403);
        browser.submit_with(&page, fields, &token, &[("origin", "http://evil.example")]).await.expect(403);
    }
    browser.clear_cookies();
    for (page, fields) in &actions {
        browser.submit_with(&format!("{path}/{page}"), fields, &token, &[own]).await.expect(403);
        browser.clear_cookies();
    }
    assert_eq!(settings(&client).await, before);
}
