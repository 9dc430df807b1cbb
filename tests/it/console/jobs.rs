//! The pages of async actions and exports.

use serde_json::json;

use super::Browser;
use crate::support::TestProject;

#[tokio::test]
async fn an_async_action_shows_its_progress_its_errors_and_its_report() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "<script>alice"})).await;
    let body = json!([{"source_id": "<script>alice", "metadata": {"a": 1}}, {"source_id": "<script>none"}]);
    let action = client.done("/v1/customers/bulk/async", body).await;
    let id = action["id"].as_str().unwrap();
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let list = browser.page(&format!("{path}/jobs")).await;
    let progress = "<progress max=\"100\" value=\"100\" aria-label=\"Progress\">100 %</progress>";
    assert!(list.contains(progress) && list.contains(&format!("{path}/jobs/{id}\"")), "{list}");
    let page = browser.page(&format!("{path}/jobs/{id}")).await;
    assert!(page.contains(progress) && page.contains("CUSTOMERS.BULK_UPDATE"), "{page}");
    assert!(!page.contains("<script>") && !page.contains("token="), "{page}");
    let report = browser.get(&format!("{path}/jobs/{id}/report")).await.expect(200);
    assert!(report.text.starts_with("source_id,found,updated\n"), "{}", report.text);
    assert_eq!(report.header("content-disposition"), format!("attachment; filename=\"report-{id}.csv\""));

    project.other_project().get("/v1/customers").await.expect(200);
    let other = browser.project_path(project.other_keys().0).await;
    browser.get(&format!("{other}/jobs/{id}")).await.expect(404);
    browser.get(&format!("{other}/jobs/{id}/report")).await.expect(404);
    assert!(!browser.page(&format!("{other}/jobs")).await.contains(id));
}

#[tokio::test]
async fn errors_of_an_import_are_shown() {
    let project = TestProject::new();
    let client = project.client();
    let action = client.done("/v1/orders/import", json!([{"amount": 1, "customer": {"id": "<script>none"}}])).await;
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let page = browser.page(&format!("{path}/jobs/{}", action["id"].as_str().unwrap())).await;
    assert!(page.contains("Errors</h2>") && !page.contains("<script>"), "{page}");
    browser.get(&format!("{path}/jobs/{}/report", action["id"].as_str().unwrap())).await.expect(404);
}

#[tokio::test]
async fn the_file_of_an_export_is_downloaded() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "alice"})).await;
    let body = json!({"exported_object": "customer", "parameters": {"fields": ["source_id"]}});
    let id = client.post("/v1/exports", body).await.expect(200).string("/id");
    client.get("/_emulator/idle").await.expect(200);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let list = browser.page(&format!("{path}/exports")).await;
    assert!(list.contains("Export of customer") && list.contains("1 export<"), "{list}");
    let page = browser.page(&format!("{path}/exports/{id}")).await;
    assert!(page.contains("Download the file") && !page.contains("token="), "{page}");
    let file = browser.get(&format!("{path}/exports/{id}/file")).await.expect(200);
    assert!(file.text.contains("alice"), "{}", file.text);
    assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"{id}.csv\""));
    project.other_project().get("/v1/customers").await.expect(200);
    let other = browser.project_path(project.other_keys().0).await;
    browser.get(&format!("{other}/exports/{id}/file")).await.expect(404);
}
