use serde_json::{Value, json};

use super::{call, call_json, error, info};
use crate::support::TestProject;

#[tokio::test]
async fn a_customer_has_all_elements_in_the_vendors_order_also_when_they_are_empty() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "0012", "name": "Alice Morgan", "address": {"city": "Town"}})).await;
    let answer = call(&project, &[("type", "customer_info"), ("code", "0012"), ("include_balances", "N")]).await;
    let lines = [
        "<response status=\"success\">",
        "<customer>",
        "<code>0012</code>",
        "<card_number></card_number>",
        "<first_name>Alice</first_name>",
        "<last_name>Morgan</last_name>",
        "<phone></phone>",
        "<email></email>",
        "<street1></street1>",
        "<street2></street2>",
        "<city>Town</city>",
        "<state></state>",
        "<postal_code></postal_code>",
        "<country></country>",
        "<custom_date></custom_date>",
        "<custom_field></custom_field>",
        "<customer_username></customer_username>",
        "<registered>Y</registered>",
        "</customer>",
        "</response>",
    ];
    assert_eq!(answer.text, lines.join("\n"));
}

#[tokio::test]
async fn the_custom_field_can_be_hidden() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a", "metadata": {"custom_field": "secret"}})).await;
    assert_eq!(info(&project, "a").await["custom_field"], "secret");
    let hidden = [("type", "customer_info"), ("code", "a"), ("hide_custom_field", "Y")];
    let customer = call_json(&project, &hidden).await["customer"].clone();
    assert_eq!((customer.get("custom_field"), &customer["registered"]), (None, &json!("Y")));
}

#[tokio::test]
async fn values_from_the_voucherify_api_are_shown_when_they_have_a_field() {
    let project = TestProject::new();
    let metadata = json!({"card_number": 77, "custom_field": ["a"], "custom_date": null, "customer_username": true,
        "first_name": "Old", "last_name": "Name"});
    let body = json!({"source_id": "a", "name": "Alice", "address": {"line_1": null}, "metadata": metadata});
    project.client().customer(body).await;
    let shown = info(&project, "a").await;
    let values =
        ["card_number", "custom_field", "custom_date", "customer_username", "first_name", "last_name", "street1"]
            .map(|name| shown[name].as_str().unwrap().to_owned());
    assert_eq!(
        values,
        ["77", "", "", "true", "Alice", "", ""],
        "first_name and last_name are ignored because they do not make up the name"
    );
    // first_name and last_name are used when together they make up the name.
    project.client().put("/v1/customers/a", json!({"name": "Old Name"})).await.expect(200);
    let shown = info(&project, "a").await;
    assert_eq!((&shown["first_name"], &shown["last_name"]), (&json!("Old"), &json!("Name")));
}

#[tokio::test]
async fn a_customer_without_any_field_is_not_registered() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a", "metadata": {"other": 1}})).await;
    assert_eq!(info(&project, "a").await["registered"], "N");
}

#[tokio::test]
async fn a_customer_is_found_only_by_its_code() {
    let project = TestProject::new();
    let id = project.client().customer(json!({"source_id": "a", "metadata": {"card_number": "77"}})).await;
    for code in [id.as_str(), "b", "\0", "77"] {
        assert_eq!(error(&project, &[("type", "customer_info"), ("code", code)]).await, "Customer not found");
    }
    let by_card = error(&project, &[("type", "customer_info"), ("card_number", "77")]).await;
    assert_eq!(by_card, "A customer cannot be looked up by card_number here: code is required");
    assert_eq!(error(&project, &[("type", "customer_info")]).await, "code is required");
    let both = call_json(&project, &[("type", "customer_info"), ("card_number", "77"), ("code", "a")]).await;
    assert_eq!(both["status"], "success");
    call(&project, &[("type", "customer_delete"), ("code", "a")]).await;
    assert_eq!(error(&project, &[("type", "customer_info"), ("code", "a")]).await, "Customer not found");
    assert_eq!(project.client().get("/v1/customers").await.json()["customers"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn types_that_are_unknown_or_not_emulated_are_rejected_with_their_names() {
    let project = TestProject::new();
    for known in ["campaigns_list", "customer_search", "record_activity", "reports", "account_info", "user_new"] {
        assert_eq!(error(&project, &[("type", known)]).await, format!("Type {known} is not emulated"));
    }
    for unknown in ["customer_remove", "CUSTOMER_DELETE", " customer_delete", "<b>&\"'</b>"] {
        assert_eq!(error(&project, &[("type", unknown)]).await, format!("Invalid type: {unknown}"));
    }
    let answer = call(&project, &[("type", "<b>&</b>")]).await;
    assert!(answer.text.contains("<error>Invalid type: &lt;b&gt;&amp;&lt;/b&gt;</error>"), "{}", answer.text);
    let shown = error(&project, &[("type", &"x".repeat(50_000))]).await;
    assert_eq!(shown, format!("Invalid type: {}", "x".repeat(100)));
    let shown = error(&project, &[("type", &format!("user_{}", "x".repeat(50_000)))]).await;
    assert_eq!(shown, format!("Type user_{} is not emulated", "x".repeat(95)));
}
