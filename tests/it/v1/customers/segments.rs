use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn segments_of_customer_are_listed_by_name() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    for name in ["one", "two"] {
        client.post("/v1/segments", json!({"name": name, "type": "static", "customers": [id]})).await.expect(200);
    }
    client.post("/v1/segments", json!({"name": "of nobody"})).await.expect(200);
    for identifier in [id.as_str(), "a"] {
        let answer = client.get(&format!("/v1/customers/{identifier}/segments")).await.expect(200);
        assert_eq!(
            answer.shape(),
            r#"{"object":"list","data_ref":"data","data":[{"id":"<seg_>","name":"one","object":"segment"},{"id":"<seg_>","name":"two","object":"segment"}],"total":2}"#
        );
    }
}

#[tokio::test]
async fn unknown_customer_returns_empty_list() {
    let project = TestProject::new();
    let answer = project.client().get("/v1/customers/nobody/segments").await.expect(200);
    assert_eq!(answer.text, r#"{"object":"list","data_ref":"data","data":[],"total":0}"#);
}

#[tokio::test]
async fn segments_of_customer_of_other_project_are_not_listed() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({})).await;
    client.post("/v1/segments", json!({"name": "one", "customers": [id]})).await.expect(200);
    let answer = project.other_project().get(&format!("/v1/customers/{id}/segments")).await.expect(200);
    assert_eq!(answer.json()["total"], 0);
}
