//! The definitions of consents, their groups, and the decisions of a customer.

use serde_json::{Value, json};

use super::Browser;
use super::browser::row;
use super::pages::fill;
use crate::support::{Client, TestProject};

async fn activity(client: &Client, customer: &str) -> Vec<Value> {
    let entries = client.get(&format!("/v1/customers/{customer}/activity")).await.expect(200).json();
    entries["data"].as_array().unwrap().iter().map(|entry| entry["type"].clone()).collect()
}

#[tokio::test]
async fn consents_of_a_customer_are_given_and_revoked() {
    let project = TestProject::new();
    let client = project.client();
    let id = fill(&client).await;
    client.put("/_emulator/consents/sms", json!({"name": "SMS"})).await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let consents = format!("{path}/customers/{id}/consents");
    let state = |page: &str, name: &str| row(page, "Consents of the customer", name)[2].clone();
    let page = browser.page(&consents).await;
    assert_eq!([state(&page, "Newsletter"), state(&page, "SMS")], ["given", "never given"]);

    let (_, page) = browser.submit_and_follow(&consents, &[("consent", "sms"), ("given", "true")]).await;
    assert!(page.contains("The consents of the customer were changed."), "{page}");
    assert_eq!(state(&page, "SMS"), "given");
    let (_, page) = browser.submit_and_follow(&consents, &[("consent", "newsletter"), ("given", "false")]).await;
    assert_eq!([state(&page, "Newsletter"), state(&page, "SMS")], ["revoked", "given"]);
    assert_eq!(activity(&client, &id).await[..2], ["customer.consents.revoked", "customer.consents.given"]);

    // A consent that is not defined yet is defined.
    let (_, page) = browser.submit_and_follow(&consents, &[("consent", " post "), ("given", "true")]).await;
    assert_eq!(state(&page, "post"), "given");
    let (_, page) = browser.submit_and_follow(&consents, &[("consent", "unsubscribed")]).await;
    assert_eq!(["SMS", "post"].map(|name| state(&page, name)), ["revoked", "revoked"]);
    assert!(!page.contains("Revoke all consents"), "{page}");

    let long = "c".repeat(501);
    let answer = browser.submit(&consents, &[("consent", &long), ("given", "true")]).await.expect(400);
    assert!(answer.text.contains("role=\"alert\"") && answer.text.contains(&long), "{}", answer.text);
}

#[tokio::test]
async fn a_consent_is_created_changed_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let fields = [("id", "a/b"), ("name", "Newsletter"), ("category", "MARKETING"), ("description", "Once a month")];
    let (location, page) = browser.submit_and_follow(&format!("{path}/new-consent"), &fields).await;
    assert!(location.starts_with(&format!("{path}/consents/a%2Fb?")), "{location}");
    assert!(page.contains("The consent was created.") && page.contains("Once a month"), "{page}");
    let again = browser.submit(&format!("{path}/new-consent"), &fields).await.expect(400);
    assert!(again.text.contains("There is a consent a/b already."), "{}", again.text);
    let nameless = browser.submit(&format!("{path}/new-consent"), &[("id", "c"), ("name", "")]).await.expect(400);
    assert!(nameless.text.contains("role=\"alert\""), "{}", nameless.text);

    let fields = [("name", "News"), ("category", ""), ("description", "")];
    let (_, page) = browser.submit_and_follow(&format!("{path}/consents/a%2Fb/edit"), &fields).await;
    assert!(page.contains("The consent was saved.") && !page.contains("Once a month"), "{page}");
    assert_eq!(client.get("/v1/consents").await.expect(200).string("/consents/data/0/name"), "News");
    browser.submit(&format!("{path}/consents/none/edit"), &fields).await.expect(404);

    assert!(browser.page(&format!("{path}/consents/a%2Fb/delete")).await.contains("decisions of all customers"));
    let (_, page) = browser.submit_and_follow(&format!("{path}/consents/a%2Fb/delete"), &[]).await;
    assert!(page.contains("The consent was deleted.") && page.contains("There are no consents yet."), "{page}");
}

#[tokio::test]
async fn a_group_of_consents_is_created_changed_and_deleted() {
    let project = TestProject::new();
    let client = project.client();
    fill(&client).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let fields = [("id", "mk"), ("name", "Marketing"), ("consents", "newsletter\nunknown")];
    let refused = browser.submit(&format!("{path}/new-consent-group"), &fields).await.expect(400);
    assert!(refused.text.contains("value=\"Marketing\""), "{}", refused.text);
    let fields = [("id", "mk"), ("name", "Marketing"), ("consents", "newsletter\n")];
    let (_, page) = browser.submit_and_follow(&format!("{path}/new-consent-group"), &fields).await;
    assert_eq!(row(&page, "Groups of consents", "Marketing")[..3], ["Marketing", "mk", "newsletter"]);
    assert!(browser.page(&format!("{path}/consent-groups/mk/edit")).await.contains(">newsletter</textarea>"));
    let fields = [("name", "All"), ("consents", "")];
    browser.submit_and_follow(&format!("{path}/consent-groups/mk/edit"), &fields).await;
    let groups = client.get("/v1/consents").await.expect(200);
    assert_eq!(
        (groups.string("/groups/data/0/name"), &groups.json()["groups"]["data"][0]["consents"]),
        ("All".to_owned(), &json!([]))
    );
    let (_, page) = browser.submit_and_follow(&format!("{path}/consent-groups/mk/delete"), &[]).await;
    assert!(page.contains("The group was deleted.") && page.contains("Newsletter"), "{page}");
}
