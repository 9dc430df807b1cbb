use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn static_segment_contains_existing_customers_only() {
    let project = TestProject::new();
    let client = project.client();
    let (a, other) = (client.customer(json!({})).await, project.other_project().customer(json!({})).await);
    let body = json!({"name": "VIP", "type": "static", "customers": [a, a, other, "cust_unknown"]});
    let answer = client.post("/v1/segments", body).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<seg_>",
      "name": "VIP",
      "created_at": "<time>",
      "updated_at": null,
      "type": "static",
      "filter": null,
      "object": "segment"
    }
    "#);
    let members = client.get(&format!("/v1/customers?segment_id={}", answer.string("/id"))).await;
    assert_eq!(members.column("customers", "id"), [a]);
}

#[tokio::test]
async fn more_than_20000_members_return_400() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({})).await;
    let mut customers = vec!["cust_x".to_owned(); 19_999];
    customers.push(id);
    client.post("/v1/segments", json!({"name": "S", "customers": customers})).await.expect(200);
    customers.push("cust_x".to_owned());
    let answer = client.post("/v1/segments", json!({"name": "S", "customers": customers})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .customers must NOT have more than 20000 items");
}

#[tokio::test]
async fn missing_and_invalid_members_return_400() {
    let project = TestProject::new();
    for (body, details) in [
        (json!({}), "Payload must have required property 'name'"),
        (json!({"name": ""}), "Property .name must NOT have fewer than 1 characters"),
        (
            json!({"name": "S", "type": "active"}),
            "Property .type must be equal to one of the allowed values [ auto-update, passive, static ]",
        ),
        (json!({"name": "S", "customers": {}}), "Property .customers must be array"),
        (json!({"name": "S", "customers": [1.5]}), "Property .customers[0] must be string"),
    ] {
        assert_eq!(project.client().post("/v1/segments", body).await.expect(400).string("/details"), details);
    }
}
