use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn segment_is_returned_without_members() {
    let project = TestProject::new();
    let client = project.client();
    let created = client.post("/v1/segments", json!({"name": "S"})).await.expect(200);
    let read = client.get(&format!("/v1/segments/{}", created.string("/id"))).await.expect(200);
    assert_eq!(read.text, created.text);
}

#[tokio::test]
async fn unknown_segment_and_segment_of_other_project_return_404() {
    let project = TestProject::new();
    let id = project.client().post("/v1/segments", json!({"name": "S"})).await.string("/id");
    for (client, id) in [(project.client(), "seg_Mv5w1b2FIEbiCCO5ioT8TfI"), (project.other_project(), id.as_str())] {
        let error = client.get(&format!("/v1/segments/{id}")).await.expect(404).json();
        assert_eq!(error["details"], format!("Cannot find segment with id {id}"));
        assert_eq!(error["resource_type"], "segment");
    }
    project.client().get("/v1/segments/%00").await.expect(404);
}
