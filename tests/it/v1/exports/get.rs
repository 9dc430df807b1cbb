use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;

use super::run_export;
use crate::support::TestProject;

#[tokio::test]
async fn finished_export_returns_url_of_its_file() {
    let project = TestProject::new();
    let client = project.client();
    let export = run_export(&client, "customer", json!({})).await;
    let id = export["id"].as_str().unwrap();
    let answer = client.get(&format!("/v1/exports/{id}")).await.expect(200);
    let url = answer.string("/result/url");
    let prefix = format!("http://127.0.0.1:8682/v1/exports/{id}?token=");
    assert!(url.starts_with(&prefix) && url.len() >= prefix.len() + 48, "{url}");
    insta::assert_snapshot!(answer.snapshot().replace(&url, "<url>"), @r#"
    {
      "id": "<exp_>",
      "object": "export",
      "created_at": "<time>",
      "status": "DONE",
      "channel": "API",
      "exported_object": "customer",
      "parameters": {"fields":["name","source_id"]},
      "result": {
        "url": "<url>"
      },
      "user_id": null
    }
    "#);
    let headers = [("host", "emulator.test:99")];
    let answer = client.call_with(Method::GET, &format!("/v1/exports/{id}"), Body::empty(), &headers).await.expect(200);
    assert!(answer.string("/result/url").starts_with("http://emulator.test:99/v1/exports/exp_"));
}

#[tokio::test]
async fn unknown_export_export_of_other_project_and_async_action_return_404() {
    let project = TestProject::new();
    let client = project.client();
    let export = run_export(&client, "customer", json!({})).await;
    let id = export["id"].as_str().unwrap();
    let error = project.other_project().get(&format!("/v1/exports/{id}")).await.expect(404);
    insta::assert_snapshot!(error.snapshot().replace(id, "<exp_>"), @r#"
    {
      "code": 404,
      "key": "not_found",
      "message": "Resource not found",
      "details": "Cannot find export with id <exp_>",
      "request_id": "<v->",
      "resource_id": "<exp_>",
      "resource_type": "export"
    }
    "#);
    let action = client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
    for id in [action["id"].as_str().unwrap(), "exp_8fNoLwgVPuhoxNzVsr50kq0", "%00", "%ff"] {
        client.get(&format!("/v1/exports/{id}")).await.expect(404);
    }
    client.get(&format!("/v1/async-actions/{id}")).await.expect(404);
    // Without a download token, the endpoint requires API keys.
    project.send(Request::get(format!("/v1/exports/{id}")).body(Body::empty()).unwrap()).await.expect(401);
}
