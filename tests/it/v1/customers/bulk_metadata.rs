use serde_json::json;

use crate::support::TestProject;

const PATH: &str = "/v1/customers/metadata/async";

#[tokio::test]
async fn metadata_is_merged_into_each_customer_and_unknown_ones_are_created() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a", "name": "A", "metadata": {"x": 1}})).await;
    client.customer(json!({"source_id": "b"})).await;
    let action =
        client.done(PATH, json!({"source_ids": ["a", "b", "new"], "metadata": {"lang": "en", "test": false}})).await;
    assert_eq!(
        (&action["type"], &action["operation_status"]),
        (&json!("CUSTOMERS.METADATA_UPDATE"), &json!("SUCCESS"))
    );
    assert_eq!((&action["result"]["done_count"], &action["result"]["errors"]), (&json!(3), &json!([])));
    let report = client.download(action["result"]["reports"][0].as_str().unwrap()).await.expect(200).text;
    assert_eq!(report, "source_id,found,updated\na,true,true\nb,true,true\nnew,false,true\n");
    let a = client.get("/v1/customers/a").await.json();
    assert_eq!(
        (a["name"].as_str(), a["metadata"].to_string().as_str()),
        (Some("A"), r#"{"x":1,"lang":"en","test":false}"#)
    );
    assert_eq!(client.get("/v1/customers/new").await.json()["metadata"].to_string(), r#"{"lang":"en","test":false}"#);
}

#[tokio::test]
async fn null_value_keeps_metadata_key() {
    let project = TestProject::new();
    let client = project.client();
    client.done(PATH, json!({"source_ids": ["a"], "metadata": {"test": 123}})).await;
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"].to_string(), r#"{"test":123}"#);
    client.done(PATH, json!({"source_ids": ["a"], "metadata": {"test": null}})).await;
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"].to_string(), r#"{"test":null}"#);
}

#[tokio::test]
async fn metadata_schema_is_checked_for_each_customer() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let properties = json!({"age": {"type": "number", "optional": false, "array": false}});
    client
        .post("/v1/metadata-schemas", json!({"related_object": "customer", "properties": properties}))
        .await
        .expect(200);
    let action = client.done(PATH, json!({"source_ids": ["a", "b"], "metadata": {"other": 1}})).await;
    assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(1), &json!(1)));
    assert_eq!(action["result"]["errors"][0]["source_id"], "b", "required metadata is checked only for new customers");
}

#[tokio::test]
async fn invalid_bodies_return_400() {
    let project = TestProject::new();
    let client = project.client();
    for (body, details) in [
        (json!({"metadata": {}}), "Payload must have required property 'source_ids'"),
        (json!({"source_ids": ["a"]}), "Payload must have required property 'metadata'"),
        (json!({"source_ids": "a", "metadata": {}}), "Property .source_ids must be array"),
        (json!({"source_ids": null, "metadata": {}}), "Property .source_ids must be array"),
        (json!({"source_ids": [true], "metadata": {}}), "Property .source_ids[0] must be string"),
        (
            json!({"source_ids": ["a", ""], "metadata": {}}),
            "Property .source_ids[1] must NOT have fewer than 1 characters",
        ),
        (json!({"source_ids": ["a"], "metadata": 1}), "Property .metadata must be object"),
        (json!({"source_ids": ["a"], "metadata": null}), "Property .metadata must be object"),
        (json!([]), "Payload must be object"),
    ] {
        let error = client.post(PATH, body).await.expect(400);
        assert_eq!(
            (error.string("/key"), error.string("/details")),
            ("invalid_payload".to_owned(), details.to_owned())
        );
    }
    let error = client.post(PATH, json!({"source_ids": [], "metadata": {}})).await.expect(400).json();
    assert_eq!((&error["key"], &error["message"]), (&json!("not_enough_source_ids"), &json!("Not enough source_ids")));
    assert_eq!(error["details"], "Specify at least 1 source_id");
}

#[tokio::test]
async fn update_does_not_change_customers_of_other_project() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a"})).await;
    project.other_project().done(PATH, json!({"source_ids": ["a"], "metadata": {"x": 1}})).await;
    assert!(project.client().get("/v1/customers/a").await.json().get("metadata").is_none());
}
