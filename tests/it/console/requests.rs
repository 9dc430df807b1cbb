//! The pages of the request log.

use axum::http::Method;
use serde_json::json;

use super::Browser;
use super::browser::row;
use crate::support::TestProject;

const SCRIPT: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

/// Returns the texts of a list of requests: the links to their pages, in order.
fn links(page: &str, path: &str) -> Vec<String> {
    let start = format!("href=\"{path}/requests/req_");
    page.match_indices(&start).map(|(at, _)| page[at + 6..].split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn requests_are_listed_newest_first_and_filtered() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "alice"})).await;
    client.get("/v1/customers/alice").await.expect(200);
    client.get("/v1/custommers").await.expect(404);
    project.other_project().get("/v1/orders").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let page = browser.page(&format!("{path}/requests")).await;
    let positions: Vec<_> = ["/v1/custommers<", "/v1/customers/alice<", "/v1/customers<"]
        .into_iter()
        .map(|text| page.find(text).unwrap_or_else(|| panic!("no {text}: {page}")))
        .collect();
    assert!(positions.is_sorted() && !page.contains("/v1/orders<"), "{page}");
    assert!(page.contains("create-customer") && page.contains("3 requests"), "{page}");
    for (filter, count) in [
        ("method=post", 1),
        ("method=GET", 2),
        ("path=/v1/customers/*", 1),
        ("path=/v1/**", 3),
        ("status=4xx", 1),
        ("status=404", 1),
        ("status=500", 0),
        ("operation=get-customer", 1),
        ("operation=get-customer&status=4xx", 0),
        ("method=&path=&status=&operation=", 3),
    ] {
        let page = browser.page(&format!("{path}/requests?{filter}")).await;
        assert_eq!(links(&page, &path).len(), count, "{filter}: {page}");
        assert_eq!(page.contains("No request in the log matches."), count == 0, "{filter}");
    }
    for (filter, text) in [("path=v1", "The path must begin with /"), ("status=40", "The status must be a number")] {
        let page = browser.get(&format!("{path}/requests?{filter}")).await.expect(400).text;
        assert!(page.contains(text) && !page.contains("data-live="), "{filter}: {page}");
    }
}

#[tokio::test]
async fn older_requests_are_on_the_next_page() {
    let project = TestProject::new();
    let client = project.client();
    for number in 0..60 {
        client.get(&format!("/v1/customers/{number}")).await.expect(404);
    }
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let first = browser.page(&format!("{path}/requests?status=404")).await;
    assert_eq!(links(&first, &path).len(), 50);
    let (before, _) = first.split_once("rel=\"next\"").unwrap();
    let next = before.rsplit("href=\"").next().unwrap().split('"').next().unwrap().replace("&#38;", "&");
    let second = browser.page(&next).await;
    assert_eq!(links(&second, &path).len(), 10, "{second}");
    assert!(!second.contains("data-live="), "only the first page is live");
}

#[tokio::test]
async fn a_request_is_shown_with_its_bodies_and_as_curl() {
    let project = TestProject::new();
    let client = project.client();
    let body = "{\"source_id\":\"it's\",\"surplus\":{\"a\":1.50}}";
    client.call(Method::POST, "/v1/customers?verbose=1", Some(body.to_owned())).await.expect(200);
    client.get("/v1/custommers").await.expect(404);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let all = links(&browser.page(&format!("{path}/requests")).await, &path);

    let unknown = browser.page(&all[0]).await;
    assert!(unknown.contains("Nearest operations") && unknown.contains("GET /v1/customers<"), "{unknown}");

    let page = browser.page(&all[1]).await;
    let text = page.replace("&#34;", "\"").replace("&#39;", "'");
    assert!(text.contains("{\n  \"source_id\": \"it's\",\n  \"surplus\": {\n    \"a\": 1.50\n  }\n}"), "{text}");
    assert!(text.contains("<code>/surplus</code>") && text.contains("<code>?verbose</code>"), "{text}");
    assert_eq!(row(&page, "Query parameters</h2>", "verbose"), ["verbose", "1"]);
    let (app_id, token) = project.server_keys();
    let command = format!(
        "curl -X POST 'http://127.0.0.1:8682/v1/customers?verbose=1' \\\n  -H 'X-App-Id: {app_id}' \\\n  -H 'X-App-Token: YOUR_APP_TOKEN' \\\n  \
         -H 'Content-Type: application/json' \\\n  --data-raw '{{\"source_id\":\"it'\\''s\",\"surplus\":{{\"a\":1.50}}}}'"
    );
    assert!(text.contains(&command), "{text}");
    assert!(!text.contains(token), "the token is not in the page");
}

#[tokio::test]
async fn a_fault_that_hit_a_request_is_linked() {
    let project = TestProject::new();
    let client = project.client();
    let fault = client.post("/_emulator/faults", json!({"status": 503, "times": 1})).await.expect(200).string("/id");
    client.get("/v1/customers").await.expect(503);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let list = browser.page(&format!("{path}/requests")).await;
    for page in [&list, &browser.page(&links(&list, &path)[0]).await] {
        assert!(page.contains(&format!("<a href=\"{path}/controls/faults\" class=\"code\">{fault}</a>")), "{page}");
    }
}

#[tokio::test]
async fn requests_of_another_project_are_not_found() {
    let project = TestProject::new();
    project.client().get("/v1/customers").await.expect(200);
    project.other_project().get("/v1/orders").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let other = browser.project_path(project.other_keys().0).await;
    let link = links(&browser.page(&format!("{path}/requests")).await, &path).remove(0);
    browser.get(&link.replace(&path, &other)).await.expect(404);
    assert!(links(&browser.page(&format!("{other}/requests?path=/v1/customers")).await, &other).is_empty());
}

#[tokio::test]
async fn markup_in_requests_is_escaped() {
    let project = TestProject::new();
    let client = project.client();
    let encoded: String = form_urlencoded::byte_serialize(SCRIPT.as_bytes()).collect();
    client
        .post(&format!("/v1/customers?{encoded}={encoded}"), json!({SCRIPT: SCRIPT, "name": SCRIPT}))
        .await
        .expect(200);
    client.get(&format!("/v1/{encoded}")).await.expect(404);
    client.call(Method::POST, "/v1/customers", Some(SCRIPT.to_owned())).await.expect(400);
    client.get("/v1/a'b\"c").await.expect(404);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let filters: String =
        ["path", "status", "operation", "method"].map(|name| format!("{name}=%2F{encoded}&")).concat();
    let list = browser.page(&format!("{path}/requests")).await;
    let mut pages = vec![list.clone(), browser.get(&format!("{path}/requests?{filters}")).await.expect(400).text];
    for link in links(&list, &path) {
        pages.push(browser.page(&link).await);
    }
    assert_eq!(pages.len(), 6);
    for page in pages {
        assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
    }
}
