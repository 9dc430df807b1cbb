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
    client.post("/v1/segments", json!({"name": "without members"})).await.expect(200);
    let answer = client.get(&format!("/v1/customers/{id}/segments")).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "object": "list",
      "data_ref": "data",
      "data": [{"id":"<seg_>","name":"one","object":"segment"},{"id":"<seg_>","name":"two","object":"segment"}],
      "total": 2
    }
    "#);
    assert_eq!(client.get("/v1/customers/a/segments").await.expect(200).text, answer.text);
}

#[tokio::test]
async fn unknown_customer_returns_empty_list() {
    let project = TestProject::new();
    let answer = project.client().get("/v1/customers/unknown/segments").await.expect(200);
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
