use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn list_of_redeemables_is_empty() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    for path in [id.as_str(), "a"] {
        for query in ["", "?limit=100&order=-id&starting_after_id=rh_0e7b8db4700106a852"] {
            let answer = client.get(&format!("/v1/customers/{path}/redeemables{query}")).await.expect(200);
            assert_eq!(answer.text, r#"{"object":"list","data_ref":"data","data":[],"total":0,"has_more":false}"#);
        }
    }
}

#[tokio::test]
async fn invalid_parameters_return_400() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    for (query, details) in [
        ("limit=101", "Property .limit cannot be higher than 100"),
        ("order=created_at", "Property .order must be equal to one of the allowed values [ id, -id ]"),
        ("starting_after_id=%00", "Property .starting_after_id must NOT contain the character U+0000"),
    ] {
        let error = client.get(&format!("/v1/customers/a/redeemables?{query}")).await.expect(400);
        assert_eq!(error.string("/details"), details);
    }
}

#[tokio::test]
async fn unknown_customer_and_customer_of_other_project_return_404() {
    let project = TestProject::new();
    let id = project.client().customer(json!({})).await;
    let error = project.client().get("/v1/customers/unknown/redeemables").await.expect(404);
    assert_eq!(error.string("/details"), "Cannot find customer with id unknown");
    project.other_project().get(&format!("/v1/customers/{id}/redeemables")).await.expect(404);
}

#[tokio::test]
async fn filters_are_validated_and_list_stays_empty() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let answer =
        client.get("/v1/customers/a/redeemables?filters[holder_role][conditions][$in][0]=x&filters[junction]=or").await;
    assert_eq!(answer.expect(200).json()["total"], 0);
    for (query, details) in [
        ("filters[shoe][conditions][$is]=x", "Property .filters.shoe is not a field that can be filtered by"),
        ("filters[id][conditions][$like]=x", "Property .filters should match either `filters["),
        ("filters[junction]=xor", "Property .filters has wrong `junction` property"),
    ] {
        let error = client.get(&format!("/v1/customers/a/redeemables?{query}")).await.expect(400);
        assert!(error.string("/details").starts_with(details), "{}", error.text);
    }
}
