//! The keys of a project: new pairs, whose tokens are shown once, and their revocation.

use axum::http::{Method, Request};
use serde_json::json;

use super::Browser;
use crate::support::TestProject;

/// Returns the value of the header in the text that the page of a new key shows.
fn header(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("{name}: ")).unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split(['\n', '<']).next().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_server_pair_works_and_its_token_is_shown_once() {
    let project = TestProject::new();
    let id = project.client().customer(json!({"name": "Alice"})).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let (location, page) = browser.submit_and_follow(&format!("{path}/keys"), &[("family", "server")]).await;
    let (app_id, token) = (header(&page, "X-App-Id"), header(&page, "X-App-Token"));
    assert!(!location.contains(&token), "the token is in no URL");
    let request = Request::get(format!("/v1/customers/{id}")).header("x-app-id", &app_id).header("x-app-token", &token);
    project.send(request.body(String::new().into()).unwrap()).await.expect(200);

    // The page is shown once, and the list does not contain the token.
    let again = browser.get(&location).await.expect(303);
    assert_eq!(again.header("location"), format!("{path}/keys"));
    let list = browser.page(&format!("{path}/keys")).await;
    assert!(list.contains(&app_id) && !list.contains(&token), "{list}");
    assert!(list.contains("cannot be shown: it was shown when the key was created"));
}

#[tokio::test]
async fn the_token_of_a_new_pair_is_shown_to_its_session_only() {
    let project = TestProject::new();
    project.client().get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let answer = browser.submit(&format!("{path}/keys"), &[("family", "client")]).await.expect(303);
    let location = answer.header("location");
    let other = Browser::new(&project);
    other.form_token().await;
    other.get(location).await.expect(303);
    let page = browser.page(location).await;
    assert!(!header(&page, "X-Client-Token").is_empty());
}

#[tokio::test]
async fn an_unknown_family_creates_nothing() {
    let project = TestProject::new();
    project.client().get("/v1/customers").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let before = project.client().get("/_emulator/keys").await.expect(200).text;
    browser.submit(&format!("{path}/keys"), &[("family", "management")]).await.expect(400);
    assert_eq!(project.client().get("/_emulator/keys").await.expect(200).text, before);
}

#[tokio::test]
async fn a_key_is_revoked_after_a_confirmation() {
    let project = TestProject::new();
    let client = project.client();
    let key = client.post("/_emulator/keys", json!({"family": "server"})).await.expect(200);
    let (app_id, token) = (key.string("/app_id"), key.string("/app_token"));
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let confirmation = browser.page(&format!("{path}/keys/{app_id}/revoke?family=server")).await;
    assert!(confirmation.contains("gives access to nothing"), "{confirmation}");
    browser.get(&format!("{path}/keys/{app_id}/revoke?family=client")).await.expect(404);
    let fields = [("family", "server")];
    let (_, list) = browser.submit_and_follow(&format!("{path}/keys/{app_id}/revoke"), &fields).await;
    assert!(list.contains("The key was revoked.") && !list.contains(&app_id), "{list}");
    let request = Request::builder().method(Method::GET).uri("/v1/customers").header("x-app-id", &app_id);
    project.send(request.header("x-app-token", &token).body(String::new().into()).unwrap()).await.expect(401);
}
