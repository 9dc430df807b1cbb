use serde_json::{Value, json};

use super::{call, call_json, error, info};
use crate::support::World;

#[tokio::test]
async fn a_customer_is_shown_in_the_vendors_order_with_empty_elements() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "0012", "name": "Alice Morgan", "address": {"city": "Town"}})).await;
    let answer = call(&world, &[("type", "customer_info"), ("code", "0012"), ("include_balances", "N")]).await;
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
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a", "metadata": {"custom_field": "secret"}})).await;
    assert_eq!(info(&world, "a").await["custom_field"], "secret");
    let hidden = [("type", "customer_info"), ("code", "a"), ("hide_custom_field", "Y")];
    let customer = call_json(&world, &hidden).await["customer"].clone();
    assert_eq!((customer.get("custom_field"), &customer["registered"]), (None, &json!("Y")));
}

#[tokio::test]
async fn what_the_first_door_wrote_is_shown_as_far_as_it_has_a_place() {
    let world = World::new().await;
    let metadata = json!({"card_number": 77, "custom_field": ["a"], "custom_date": null, "customer_username": true,
        "first_name": "Old", "last_name": "Name"});
    let body = json!({"source_id": "a", "name": "Alice", "address": {"line_1": null}, "metadata": metadata});
    world.client().customer(body).await;
    let known = info(&world, "a").await;
    let shown =
        ["card_number", "custom_field", "custom_date", "customer_username", "first_name", "last_name", "street1"]
            .map(|name| known[name].as_str().unwrap().to_owned());
    assert_eq!(shown, ["77", "", "", "true", "Alice", "", ""], "the name has changed since its halves were kept");
    // The halves count again once the name is made of them.
    world.client().put("/v1/customers/a", json!({"name": "Old Name"})).await.expect(200);
    let known = info(&world, "a").await;
    assert_eq!((&known["first_name"], &known["last_name"]), (&json!("Old"), &json!("Name")));
}

#[tokio::test]
async fn one_of_whom_nothing_is_known_is_not_registered() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a", "metadata": {"other": 1}})).await;
    assert_eq!(info(&world, "a").await["registered"], "N");
}

#[tokio::test]
async fn only_a_code_finds_a_customer() {
    let world = World::new().await;
    let id = world.client().customer(json!({"source_id": "a", "metadata": {"card_number": "77"}})).await;
    for code in [id.as_str(), "b", "\0", "77"] {
        assert_eq!(error(&world, &[("type", "customer_info"), ("code", code)]).await, "Customer not found");
    }
    let by_card = error(&world, &[("type", "customer_info"), ("card_number", "77")]).await;
    assert_eq!(by_card, "A customer cannot be looked up by card_number here: code is required");
    assert_eq!(error(&world, &[("type", "customer_info")]).await, "code is required");
    let both = call_json(&world, &[("type", "customer_info"), ("card_number", "77"), ("code", "a")]).await;
    assert_eq!(both["status"], "success");
    call(&world, &[("type", "customer_delete"), ("code", "a")]).await;
    assert_eq!(error(&world, &[("type", "customer_info"), ("code", "a")]).await, "Customer not found");
    assert_eq!(world.client().get("/v1/customers").await.json()["customers"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn every_other_type_is_named() {
    let world = World::new().await;
    for known in ["campaigns_list", "customer_search", "record_activity", "reports", "account_info", "user_new"] {
        assert_eq!(error(&world, &[("type", known)]).await, format!("Type {known} is not emulated"));
    }
    for unknown in ["customer_remove", "CUSTOMER_DELETE", " customer_delete", "<b>&\"'</b>"] {
        assert_eq!(error(&world, &[("type", unknown)]).await, format!("Invalid type: {unknown}"));
    }
    let answer = call(&world, &[("type", "<b>&</b>")]).await;
    assert!(answer.text.contains("<error>Invalid type: &lt;b&gt;&amp;&lt;/b&gt;</error>"), "{}", answer.text);
    let shown = error(&world, &[("type", &"x".repeat(50_000))]).await;
    assert_eq!(shown, format!("Invalid type: {}", "x".repeat(100)));
    let shown = error(&world, &[("type", &format!("user_{}", "x".repeat(50_000)))]).await;
    assert_eq!(shown, format!("Type user_{} is not emulated", "x".repeat(95)));
}
