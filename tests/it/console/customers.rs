//! The actions on customers, and their lists.

use serde_json::json;

use super::Browser;
use super::pages::fill;
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn a_customer_is_created_changed_found_and_erased() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let fields = [
        ("source_id", "bob@x.example"),
        ("name", "Bob"),
        ("email", "bob@x.example"),
        ("city", "Rome"),
        ("metadata", r#"{"a": 1}"#),
    ];
    let (location, page) = browser.submit_and_follow(&format!("{path}/customers/new"), &fields).await;
    assert!(page.contains("The customer was created.") && page.contains("<h1>Bob</h1>"), "{page}");
    let created = client.get("/v1/customers/bob%40x.example").await.expect(200).json();
    assert_eq!((&created["address"]["city"], &created["metadata"]), (&json!("Rome"), &json!({"a": 1})));

    let customer = location.split('?').next().unwrap();
    let fields = [("name", "Robert"), ("email", ""), ("city", "Rome"), ("metadata", r#"{"a": 1}"#)];
    let (_, page) = browser.submit_and_follow(&format!("{customer}/edit"), &fields).await;
    assert!(page.contains("The customer was saved.") && page.contains("<h1>Robert</h1>"));
    let changed = client.get("/v1/customers/bob%40x.example").await.expect(200).json();
    assert_eq!((&changed["name"], &changed["email"]), (&json!("Robert"), &json!(null)));
    assert!(browser.page(&format!("{path}/customers/search?q=Rob")).await.contains(customer));

    let confirm = browser.page(&format!("{customer}/erase")).await;
    assert!(confirm.contains("customer_activity"), "{confirm}");
    let (location, page) = browser.submit_and_follow(&format!("{customer}/erase"), &[]).await;
    assert!(location.contains("/erasures/del_"));
    for text in ["customer_events", "customer_activity", "Nothing was found", "pernament_deletion"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    client.get("/v1/customers/bob%40x.example").await.expect(404);
    browser.get(customer).await.expect(404);
}

#[tokio::test]
async fn errors_are_those_of_the_api_and_what_was_entered_stays() {
    let project = TestProject::new();
    let client = project.client();
    fill(&client).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    for (fields, text) in [
        (
            [("name", "Kept name"), ("birthdate", "never")],
            "Property .birthdate cannot be recognized as a ISO-8601 compliant date",
        ),
        ([("name", "Kept name"), ("metadata", "{")], "The field metadata is not JSON"),
        ([("name", "Kept name"), ("metadata", r#"{"lang": 5}"#)], "lang: must be a string"),
    ] {
        let answer = browser.submit(&format!("{path}/customers/new"), &fields).await.expect(400);
        assert!(answer.text.contains(text) && answer.text.contains("value=\"Kept name\""), "{}", answer.text);
        let answer = browser.submit(&format!("{path}/customers/alice%40morgan.com/edit"), &fields).await.expect(400);
        assert!(answer.text.contains(text), "{}", answer.text);
    }
    assert_eq!(client.get("/v1/customers").await.expect(200).json()["total"], 1);
}

#[tokio::test]
async fn a_softly_deleted_customer_can_still_be_erased() {
    let project = TestProject::new();
    let client = project.client();
    let id = fill(&client).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let (location, page) = browser.submit_and_follow(&format!("{path}/customers/{id}/delete"), &[]).await;
    assert!(page.contains("deleted softly") && page.contains("orders"), "{page}");
    client.get(&format!("/v1/customers/{id}")).await.expect(404);
    let erase = location.split('?').next().unwrap();
    let (_, page) = browser.submit_and_follow(erase, &[]).await;
    assert!(page.contains("Nothing was found"), "{page}");
}

#[tokio::test]
async fn pages_of_a_list_show_each_customer_once_also_at_one_time() {
    // All customers have the same time of creation.
    let emulator = TestEmulator::at("2026-05-01T12:00:00Z").await;
    let client = emulator.client();
    for number in 10..70 {
        client.customer(json!({"source_id": format!("source {number}"), "address": {"city": "Rome"}})).await;
    }
    let filter = json!({"junction": "and", "address.city": {"conditions": {"$is": ["Rome"]}}});
    let segment = client.post("/v1/segments", json!({"name": "Rome", "type": "passive", "filter": filter})).await;
    let segment = segment.expect(200).string("/id");
    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    for list in [
        "/customers".to_owned(),
        "/customers?order=created_at".to_owned(),
        "/customers?order=-updated_at".to_owned(),
        "/customers?filters%5Baddress.city%5D%5Bconditions%5D%5B%24is%5D=Rome".to_owned(),
        "/customers?city=Rome".to_owned(),
        format!("/segments/{segment}"),
    ] {
        let mut next = Some(format!("{path}{list}"));
        let (mut shown, mut pages) = (Vec::new(), 0);
        while let Some(link) = next {
            let page = browser.page(&link).await;
            assert!(page.contains("60 customers") || page.contains("60 members"), "{list}: {page}");
            shown.extend((10..70).filter(|number| page.contains(&format!("source {number}<"))));
            pages += 1;
            next = page
                .split_once("\" rel=\"next\"")
                .map(|(before, _)| before.rsplit("href=\"").next().unwrap().replace("&#38;", "&"));
        }
        shown.sort_unstable();
        assert_eq!((pages, shown), (3, (10..70).collect()), "{list}");
    }
}

#[tokio::test]
async fn conditions_are_added_to_the_list_and_removed() {
    let project = TestProject::new();
    let client = project.client();
    fill(&client).await;
    client.customer(json!({"source_id": "b", "name": "Bob"})).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let form = "condition_field=metadata.lang&condition_operator=%24is&condition_value=en&name=&order=created_at";
    let answer = browser.get(&format!("{path}/customers/filter?{form}")).await.expect(303);
    let list = browser.page(answer.header("location")).await;
    assert!(list.contains("Alice Morgan") && !list.contains("Bob") && list.contains("metadata.lang $is en"), "{list}");
    let form = "condition_field=metadata.lang&condition_operator=%24active&condition_value=en";
    let answer = browser.get(&format!("{path}/customers/filter?{form}")).await.expect(303);
    let list = browser.get(answer.header("location")).await.expect(400).text;
    assert!(list.contains("role=\"alert\""), "the error of the filter is shown: {list}");
}

#[tokio::test]
async fn the_timeline_shows_payloads_and_deliveries() {
    let project = TestProject::new();
    let client = project.client();
    let webhook = json!({"target_url": "http://127.0.0.1:9/none", "events": ["customer.created"]});
    let webhook = client.post("/_emulator/webhooks", webhook).await.expect(200).string("/id");
    let id = fill(&client).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let timeline = browser.page(&format!("{path}/customers/{id}/timeline")).await;
    assert_eq!(timeline.matches(&webhook).count(), 1);
    for text in
        ["customer.order.paid", "customer.segment.entered", "customer.consents.given", "<summary>Payload</summary>"]
    {
        assert!(timeline.contains(text), "{text}");
    }
    let of_type = browser.page(&format!("{path}/customers/{id}/timeline?type=customer.created")).await;
    assert_eq!(of_type.matches("<summary>Payload</summary>").count(), 1);
}
