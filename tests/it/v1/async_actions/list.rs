use serde_json::json;

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn actions_are_listed_newest_first_without_their_results() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let mut ids = Vec::new();
    for second in 0..3 {
        emulator.clock.set(format!("2024-03-01T10:00:0{second}Z").parse().unwrap());
        let action = client.done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
        ids.insert(0, action["id"].as_str().unwrap().to_owned());
    }
    let answer = client.get("/v1/async-actions").await.expect(200);
    assert_eq!(answer.column("async_actions", "id"), ids);
    assert!(answer.shape().starts_with(concat!(
        r#"{"object":"list","data_ref":"async_actions","async_actions":[{"id":"<aa_>","type":"CUSTOMERS.BULK_UPDATE","status":"DONE","#,
        r#""created_at":"<time>","updated_at":"<time>","request_id":"<v->","progress":100,"object":"async_action"},"#
    )));
    assert_eq!(answer.json()["has_more"], false);
    let page = client.get("/v1/async-actions?limit=2").await.expect(200);
    assert_eq!((page.column("async_actions", "id"), page.json()["has_more"].clone()), (ids[..2].to_vec(), json!(true)));
    let next = client.get("/v1/async-actions?limit=2&end_date=2024-03-01T10:00:01.000Z").await.expect(200);
    assert_eq!(
        (next.column("async_actions", "id"), next.json()["has_more"].clone()),
        (ids[2..].to_vec(), json!(false))
    );
    assert_eq!(emulator.other_project().get("/v1/async-actions").await.json()["async_actions"], json!([]));
}

#[tokio::test]
async fn invalid_parameters_return_400() {
    let project = TestProject::new();
    let error = project.client().get("/v1/async-actions?end_date=yesterday").await.expect(400);
    assert_eq!(error.string("/key"), "invalid_query_params");
    assert_eq!(error.string("/details"), "Property .end_date cannot be recognized as a ISO-8601 compliant date");
    let error = project.client().get("/v1/async-actions?limit=101").await.expect(400);
    assert_eq!(error.string("/details"), "Property .limit cannot be higher than 100");
}
