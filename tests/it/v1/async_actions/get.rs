use serde_json::json;
use voucherify_emulator::clock::Clock;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn finished_action_has_members_in_vendor_order() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let id =
        client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await["id"].as_str().unwrap().to_owned();
    let answer = client.get(&format!("/v1/async-actions/{id}")).await.expect(200);
    let token = answer.string("/result/reports/0").rsplit_once('=').unwrap().1.to_owned();
    insta::assert_snapshot!(answer.snapshot().replace(&id, "<aa>").replace(&token, "<token>"), @r#"
    {
      "id": "<aa_>",
      "type": "CUSTOMERS.BULK_UPDATE",
      "status": "DONE",
      "operation_status": "SUCCESS",
      "result": {
        "done_count": 1,
        "failed_count": 0,
        "reports": [
          "http://127.0.0.1:8682/_emulator/reports/<aa>?token=<token>"
        ],
        "reports_available_till": "<time>",
        "errors": []
      },
      "created_at": "<time>",
      "updated_at": "<time>",
      "request_id": "<v->",
      "progress": 100,
      "processing_time": 0,
      "object": "async_action"
    }
    "#);
    assert_eq!(answer.string("/result/reports_available_till"), "2024-03-08T10:00:00.000Z");
}

#[tokio::test]
async fn report_is_downloaded_with_token_only_for_one_week() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let action = client.done("/v1/customers/bulk/async", json!([{"source_id": "a,b"}])).await;
    let url = action["result"]["reports"][0].as_str().unwrap().to_owned();
    let report = client.download(&url).await.expect(200);
    assert_eq!(report.text, "source_id,found,updated\n\"a,b\",false,true\n");
    for invalid in [format!("{url}x"), url[..url.len() - 1].to_owned(), url.split_once('?').unwrap().0.to_owned()] {
        assert_eq!(
            client.download(&invalid).await.expect(401).text,
            r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#
        );
    }
    let another = client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
    let token = url.split_once("token=").unwrap().1;
    client.download(&format!("/_emulator/reports/{}?token={token}", another["id"].as_str().unwrap())).await.expect(401);
    emulator.clock.set("2024-03-08T10:00:00Z".parse().unwrap());
    client.download(&url).await.expect(401);
}

#[tokio::test]
async fn links_use_host_of_request() {
    // On a loopback address, a host that no URL can contain is refused.
    let emulator = TestEmulator::with(Clock::System, |config| config.listen = "0.0.0.0:8682".parse().unwrap()).await;
    let client = emulator.client();
    let action = client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
    let path = format!("/v1/async-actions/{}", action["id"].as_str().unwrap());
    for (host, prefix) in [("emulator.test:99", "http://emulator.test:99/"), ("a\"b", "http://0.0.0.0:8682/")] {
        let answer =
            client.call_with(axum::http::Method::GET, &path, axum::body::Body::empty(), &[("host", host)]).await;
        assert!(answer.string("/result/reports/0").starts_with(prefix), "{}", answer.text);
    }
}

#[tokio::test]
async fn unknown_action_and_action_of_other_project_return_404() {
    let project = TestProject::new();
    let client = project.client();
    let action = client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
    let id = action["id"].as_str().unwrap();
    let error = project.other_project().get(&format!("/v1/async-actions/{id}")).await.expect(404);
    assert_eq!(error.string("/details"), format!("Cannot find async_action with id {id}"));
    assert_eq!(
        (error.string("/resource_id"), error.string("/resource_type")),
        (id.to_owned(), "async_action".to_owned())
    );
    client.get("/v1/async-actions/aa_0aeb82bd55d5beffb").await.expect(404);
    client.get("/v1/async-actions/%00").await.expect(404);
}
