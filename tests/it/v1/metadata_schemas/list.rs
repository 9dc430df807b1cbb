use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn schemas_are_sorted_by_related_object() {
    let project = TestProject::new();
    let client = project.client();
    let empty = client.get("/v1/metadata-schemas").await.expect(200);
    assert_eq!(empty.text, r#"{"object":"list","data_ref":"schemas","schemas":[],"total":0}"#);
    for name in ["order", "customer", "Payment"] {
        let body = json!({"related_object": name, "properties": {}});
        client.post("/v1/metadata-schemas", body).await.expect(200);
    }
    let all = client.get("/v1/metadata-schemas").await.expect(200);
    assert_eq!(all.column("schemas", "related_object"), ["Payment", "customer", "order"]);
    assert!(all.shape().starts_with(r#"{"object":"list","data_ref":"schemas","schemas":[{"id":"<ms_>","related_object":"Payment","properties":{},"allow_defined_only":null,"#));
    assert!(all.text.ends_with(r#"],"total":3}"#));
    assert_eq!(project.other_project().get("/v1/metadata-schemas").await.expect(200).text, empty.text);
}
