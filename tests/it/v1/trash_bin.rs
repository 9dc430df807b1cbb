use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn trash_bin_stays_empty_after_a_delete() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    client.delete("/v1/customers/a").await.expect(204);
    for client in [client, project.other_project()] {
        for query in ["", "?limit=1&order=id&starting_after_id=tbe_0eb6515f758ae37126"] {
            let answer = client.get(&format!("/v1/trash-bin{query}")).await.expect(200);
            assert_eq!(answer.text, r#"{"object":"list","data_ref":"data","data":[],"total":0,"has_more":false}"#);
        }
    }
}

#[tokio::test]
async fn deleting_any_entry_returns_404() {
    let project = TestProject::new();
    let path = "/v1/trash-bin/tbe_0eb6515f758ae37126";
    let answer = project.client().delete(path).await.expect(404);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "code": 404,
      "key": "not_found",
      "message": "Resource not found",
      "details": "Cannot find trash_bin_entry with id tbe_0eb6515f758ae37126",
      "request_id": "<v->",
      "resource_id": "tbe_0eb6515f758ae37126",
      "resource_type": "trash_bin_entry"
    }
    "#);
    assert_eq!(project.other_project().delete(path).await.expect(404).shape(), answer.shape());
    for client in [project.client(), project.other_project()] {
        client.delete("/v1/trash-bin/%00").await.expect(404);
    }
}

#[tokio::test]
async fn invalid_parameters_return_400_with_the_parameter_name() {
    let project = TestProject::new();
    for (query, details) in [
        ("limit=0", "Property .limit cannot be lower than 1"),
        ("order=name", "Property .order must be equal to one of the allowed values [ id, -id ]"),
        ("starting_after_id=%00", "Property .starting_after_id must NOT contain the character U+0000"),
    ] {
        let error = project.client().get(&format!("/v1/trash-bin?{query}")).await.expect(400);
        assert_eq!(error.string("/details"), details);
    }
}

#[tokio::test]
async fn requests_without_keys_return_401() {
    let project = TestProject::new();
    for request in [Request::get("/v1/trash-bin"), Request::delete("/v1/trash-bin/tbe_1")] {
        project.send(request.body(Body::empty()).unwrap()).await.expect(401);
    }
}

#[tokio::test]
async fn filters_are_validated_and_return_an_empty_list() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let answer = client.get("/v1/trash-bin?filters[resource_type][conditions][$in][0]=x&filters[junction]=or").await;
    assert_eq!(answer.expect(200).json()["total"], 0);
    for (query, details) in [
        ("filters[shoe][conditions][$is]=x", "Property .filters.shoe is not a field that can be filtered by"),
        ("filters[id][conditions][$like]=x", "Property .filters should match either `filters["),
        ("filters[junction]=xor", "Property .filters has wrong `junction` property"),
    ] {
        let error = client.get(&format!("/v1/trash-bin?{query}")).await.expect(400);
        assert!(error.string("/details").starts_with(details), "{}", error.text);
    }
}
