//! Metadata schemas and custom event schemas, and the forms that change them.

use serde_json::{Value, json};

use super::Browser;
use super::browser::row;
use crate::support::TestProject;

#[tokio::test]
async fn a_metadata_schema_is_created_changed_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let (location, page) =
        browser.submit_and_follow(&format!("{path}/metadata-schemas/new"), &[("name", "customer")]).await;
    assert!(page.contains("The schema was created.") && page.contains("No keys are defined"), "{page}");
    let schema = location.split('?').next().unwrap().to_owned();
    let again = browser.submit(&format!("{path}/metadata-schemas/new"), &[("name", "customer")]).await.expect(400);
    assert!(again.text.contains("role=\"alert\"") && again.text.contains("value=\"customer\""), "{}", again.text);

    let fields =
        [("is_new", "on"), ("key", "age"), ("type", "number"), ("optional", "on"), ("gte", "18"), ("eq", "20\n30")];
    let (_, page) = browser.submit_and_follow(&format!("{schema}/key"), &fields).await;
    assert_eq!(row(&page, "<caption", "age"), ["age", "number", "true", "eq [20,30], gte 18"].map(str::to_owned));
    let again = browser.submit(&format!("{schema}/key"), &fields).await.expect(400);
    assert!(again.text.contains("The schema has a key age already."), "{}", again.text);
    let wrong = [("is_new", "on"), ("key", "size"), ("type", "number"), ("lt", "many")];
    let wrong = browser.submit(&format!("{schema}/key"), &wrong).await.expect(400);
    assert!(wrong.text.contains("many is not a number") && wrong.text.contains("value=\"size\""), "{}", wrong.text);

    let form = browser.page(&format!("{schema}/key?key=age")).await;
    assert!(
        form.contains("value=\"18\"") && form.contains(">20\n30</textarea>") && !form.contains("<option>string"),
        "{form}"
    );
    let fields = [("key", "age"), ("type", "number"), ("lte", "99.5")];
    browser.submit_and_follow(&format!("{schema}/key"), &fields).await;
    let stored = |answer: &crate::support::Answer| answer.json()["properties"]["age"].clone();
    let read = client.get("/v1/metadata-schemas/customer").await.expect(200);
    assert_eq!(
        (&stored(&read)["lte"], &stored(&read)["optional"], stored(&read).get("gte")),
        (&json!(99.5), &json!(false), None)
    );
    let refused = [("key", "age"), ("type", "string")];
    browser.submit(&format!("{schema}/key"), &refused).await.expect(400);

    let (_, page) = browser.submit_and_follow(&format!("{schema}/settings"), &[("defined_only", "true")]).await;
    assert!(page.contains("Keys that are not defined here are refused."), "{page}");
    let customer = json!({"metadata": {"age": 20, "other": 1}});
    client.post("/v1/customers", customer).await.expect(400);

    let (_, page) = browser.submit_and_follow(&format!("{schema}/delete"), &[]).await;
    assert!(page.contains("The schema was deleted."), "{page}");
    client.get("/v1/metadata-schemas/customer").await.expect(404);
}

#[tokio::test]
async fn a_key_is_removed_purged_and_restored() {
    let project = TestProject::new();
    let client = project.client();
    let lang = json!({"lang": {"type": "string", "array": false, "optional": true, "eq": ["de", "en"]}});
    let schema = json!({"related_object": "customer", "properties": lang});
    let schema = client.post("/v1/metadata-schemas", schema).await.expect(200).string("/id");
    let id = client.customer(json!({"metadata": {"lang": "de"}})).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let page = format!("{path}/metadata-schemas/{schema}");
    let (_, html) = browser.submit_and_follow(&format!("{page}/key/remove"), &[("key", "lang")]).await;
    assert!(html.contains("&#34;en&#34;], deleted<"), "{html}");
    let definition = client.get("/v1/metadata-schemas/customer").await.expect(200).json()["properties"]["lang"].clone();
    assert_eq!((&definition["deleted"], &definition["eq"]), (&json!(true), &json!(["de", "en"])));

    assert!(browser.page(&format!("{page}/key?key=lang")).await.contains("Purge the values"));
    let answer = browser.submit(&format!("{page}/key/purge"), &[("key", "lang")]).await.expect(303);
    assert!(answer.header("location").starts_with(&format!("{path}/jobs/")), "{}", answer.header("location"));
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(client.get(&format!("/v1/customers/{id}")).await.expect(200).json()["metadata"], json!({}));

    let fields = [("key", "lang"), ("type", "string"), ("optional", "on")];
    browser.submit_and_follow(&format!("{page}/key"), &fields).await;
    let definition = client.get("/v1/metadata-schemas/customer").await.expect(200).json()["properties"]["lang"].clone();
    assert_eq!(definition.get("deleted").filter(|value| **value != Value::Null), None);
    browser.submit(&format!("{page}/key/remove"), &[("key", "none")]).await.expect(404);
}

#[tokio::test]
async fn a_custom_event_schema_is_created_changed_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let (location, page) = browser.submit_and_follow(&format!("{path}/event-schemas/new"), &[("name", "review")]).await;
    assert!(page.contains("<h1>Custom event review</h1>") && !page.contains("Other keys"), "{page}");
    let schema = location.split('?').next().unwrap().to_owned();
    let form = browser.page(&format!("{schema}/key")).await;
    assert!(
        form.contains("<option>datetime") && !form.contains("<option>geopoint") && !form.contains("name=\"eq\""),
        "{form}"
    );
    let fields = [("is_new", "on"), ("key", "stars"), ("type", "number")];
    browser.submit_and_follow(&format!("{schema}/key"), &fields).await;
    let event = |stars: Value| json!({"event": "review", "customer": {"source_id": "a"}, "metadata": {"stars": stars}});
    client.post("/v1/events", event(json!("five"))).await.expect(400);
    client.post("/v1/events", event(json!(5))).await.expect(200);
    let (_, page) = browser.submit_and_follow(&format!("{schema}/key/remove"), &[("key", "stars")]).await;
    assert!(page.contains("deleted"), "{page}");
    assert!(!browser.page(&format!("{schema}/key?key=stars")).await.contains("Purge"));
    browser.submit_and_follow(&format!("{schema}/delete"), &[]).await;
    browser.get(&schema).await.expect(404);
}
