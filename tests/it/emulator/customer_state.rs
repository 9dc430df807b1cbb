use serde_json::json;

use crate::support::{Client, TestProject};

#[tokio::test]
async fn state_that_the_emulator_does_not_compute_can_be_set() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let state = json!({
        "summary": {"redemptions": {"total_redeemed": 2, "gift": {"redeemed_amount": 500}}},
        "loyalty": {"points": 30, "campaigns": {"Club": {"points": 30, "loyalty_tier": "ltr_1"}}},
        "referrals": {"total": 1, "campaigns": [{"campaign_id": "camp_1", "related_object_type": "redemption", "date": "2024-01-01"}]},
    });
    let answer = client.put("/_emulator/customers/a/state", state).await.expect(200);
    assert_eq!(
        answer.shape(),
        concat!(
            r#"{"id":"<cust_>","source_id":"a","address":null,"summary":{"redemptions":{"total_redeemed":2,"total_failed":0,"#,
            r#""total_succeeded":0,"total_rolled_back":0,"total_rollback_failed":0,"total_rollback_succeeded":0,"#,
            r#""gift":{"redeemed_amount":500,"amount_to_go":0},"loyalty_card":{"redeemed_points":0,"points_to_go":0}},"#,
            r#""orders":{"total_amount":0,"total_count":0,"average_amount":0,"last_order_amount":0}},"#,
            r#""loyalty":{"points":30,"referred_customers":0,"campaigns":{"Club":{"points":30,"loyalty_tier":"ltr_1","referred_customers":0}}},"#,
            r#""referrals":{"total":1,"campaigns":[{"campaign_id":"camp_1","related_object_type":"redemption","date":"2024-01-01"}]},"#,
            r#""system_metadata":{},"created_at":"<time>","object":"customer"}"#,
        )
    );
    let read = client.get("/v1/customers/a").await.json();
    assert_eq!(read["loyalty"], answer.json()["loyalty"]);
    assert_eq!(client.get("/v1/customers").await.json()["customers"][0]["referrals"]["total"], 1);
    // Updates of the customer keep the state, and an empty body clears it.
    assert_eq!(client.put("/v1/customers/a", json!({"name": "A"})).await.json()["loyalty"]["points"], 30);
    let cleared = client.put("/_emulator/customers/a/state", json!({})).await.expect(200).json();
    assert_eq!(cleared["loyalty"], json!({"points": 0, "referred_customers": 0, "campaigns": {}}));
}

#[tokio::test]
async fn invalid_properties_are_rejected_and_unknown_customers_return_404() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    for (body, details) in [
        (json!([]), "Payload must be object"),
        (json!({"loyalty": 1}), "Property .loyalty must be object"),
        (json!({"loyalty": {"points": "many"}}), "Property .loyalty.points must be integer"),
        (json!({"loyalty": {"campaigns": {"C": 1}}}), "Property .loyalty.campaigns.C must be object"),
        (json!({"summary": {"redemptions": {"gift": []}}}), "Property .summary.redemptions.gift must be object"),
        (json!({"system_metadata": ["segmentio"]}), "Property .system_metadata must be object"),
        (json!({"system_metadata": {"source": 1}}), "Property .system_metadata.source must be string"),
        (
            json!({"system_metadata": {"source": "x".repeat(501)}}),
            "Property .system_metadata.source must NOT have more than 500 characters",
        ),
        (json!({"system_metadata": {"web_widget": "w1"}}), "Property .system_metadata.web_widget must be object"),
        (
            json!({"system_metadata": {"web_widget": {"widgets": "w1"}}}),
            "Property .system_metadata.web_widget.widgets must be array",
        ),
        (
            json!({"system_metadata": {"web_widget": {"widgets": ["w1", 2]}}}),
            "Property .system_metadata.web_widget.widgets[1] must be string",
        ),
        (
            json!({"system_metadata": {"web_widget": {"widgets": vec!["w"; 101]}}}),
            "Property .system_metadata.web_widget.widgets must NOT have more than 100 items",
        ),
        (
            json!({"system_metadata": {"k": "\u{0}"}}),
            "Property .system_metadata.k must NOT contain the character U+0000",
        ),
        (
            json!({"referrals": {"campaigns": [{"referrer_id": "cust_x"}]}}),
            "Property .referrals.campaigns[0].referrer_id is not kept: it names another customer",
        ),
        (
            json!({"referrals": {"campaigns": [{"date": "soon"}]}}),
            "Property .referrals.campaigns[0].date cannot be recognized as a ISO-8601 compliant date",
        ),
    ] {
        assert_eq!(client.put("/_emulator/customers/a/state", body).await.expect(400).string("/details"), details);
    }
    let error = client.put("/_emulator/customers/unknown/state", json!({})).await.expect(404);
    assert_eq!(error.string("/details"), "Cannot find customer with id unknown");
    project.other_project().put("/_emulator/customers/a/state", json!({})).await.expect(404);
}

#[tokio::test]
async fn system_metadata_is_shown_as_it_was_set_and_kept_until_it_is_cleared() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "a"})).await;
    let sent = json!({"source": "segmentio", "web_widget": {"widgets": ["w1"]}, "other": [1, null]});
    let path = "/_emulator/customers/a/state";
    let answer = client.put(path, json!({"system_metadata": sent})).await.expect(200).json();
    assert_eq!(answer["system_metadata"], sent);
    assert!(answer.get("updated_at").is_none());
    assert_eq!(client.put("/v1/customers/a", json!({"name": "A"})).await.json()["system_metadata"], sent);
    assert_eq!(client.get("/v1/customers/a").await.json()["system_metadata"], sent);
    assert_eq!(client.get("/v1/customers").await.json()["customers"][0]["system_metadata"], sent);
    let entries = client.get("/v1/customers/a/activity").await.json();
    assert_eq!(entries["data"][0]["data"]["data"]["customer"]["system_metadata"], sent);
    for cleared in [json!({"system_metadata": null}), json!({"loyalty": {"points": 1}}), json!({})] {
        client.put(path, json!({"system_metadata": sent})).await.expect(200);
        assert_eq!(client.put(path, cleared).await.expect(200).json()["system_metadata"], json!({}));
    }
}

#[tokio::test]
async fn only_this_call_sets_system_metadata() {
    let project = TestProject::new();
    let client = project.client();
    let customer = json!({"source_id": "a", "name": "A", "system_metadata": {"source": "segmentio"}});
    client.post("/v1/customers", customer.clone()).await.expect(200);
    client.post("/v1/customers", customer.clone()).await.expect(200);
    client.put("/v1/customers/a", customer.clone()).await.expect(200);
    project.page().post("/client/v1/customers", customer.clone()).await.expect(200);
    client.post("/v1/orders", json!({"customer": customer})).await.expect(200);
    client.done("/v1/customers/bulk/async", json!([customer, {"source_id": "b", "system_metadata": {"k": 1}}])).await;
    for source_id in ["a", "b"] {
        let customer = client.get(&format!("/v1/customers/{source_id}")).await.expect(200).json();
        assert_eq!((&customer["system_metadata"], customer.get("metadata")), (&json!({}), None), "{source_id}");
    }
}

#[tokio::test]
async fn filters_read_system_metadata_in_segments_lists_and_exports() {
    let project = TestProject::new();
    let client = project.client();
    for (name, system_metadata) in [
        ("a", json!({"source": "segmentio", "web_widget": {"widgets": ["w1", "w2"]}})),
        ("b", json!({"source": "shopify", "web_widget": {"widgets": []}})),
        ("c", json!({"source": null})),
        ("d", json!({})),
    ] {
        client.customer(json!({"source_id": name})).await;
        let state = json!({"system_metadata": system_metadata});
        client.put(&format!("/_emulator/customers/{name}/state"), state).await.expect(200);
    }
    for (field, operator, operand, expected) in [
        ("source", "$is", json!(["segmentio"]), "a"),
        ("source", "$is_not", json!(["segmentio"]), "b c d"),
        ("source", "$starts_with", json!(["s"]), "a b"),
        ("source", "$has_value", json!(true), "a b"),
        ("source", "$is_unknown", json!(true), "c d"),
        ("web_widget.widgets", "$is", json!(["w2"]), "a"),
        ("web_widget.widgets", "$contains", json!("w"), "a"),
        ("web_widget.widgets", "$is_unknown", json!(true), "b c d"),
        ("web_widget.widgets", "$count", json!([2]), "a"),
    ] {
        let field = format!("system_metadata.{field}");
        let filter = json!({"junction": "and", field.clone(): {"conditions": {operator: operand}}});
        // A segment is filled by SQL when it is created.
        let segment = json!({"name": "S", "type": "auto-update", "filter": filter});
        let id = client.post("/v1/segments", segment).await.expect(200).string("/id");
        assert_eq!(members(&client, &id).await, expected, "{field} {operator}");
        let operand = operand.as_array().map_or(&operand, |operands| &operands[0]).to_string();
        let value = operand.trim_matches('"');
        let list = client.get(&format!("/v1/customers?filters[{field}][conditions][{operator}]={value}")).await;
        assert_eq!(sorted(list.expect(200).column("customers", "source_id")), expected, "{field} {operator}");
        let parameters = json!({"fields": ["source_id"], "filters": filter});
        let export = client.post("/v1/exports", json!({"exported_object": "customer", "parameters": parameters})).await;
        let path = format!("/v1/exports/{}", export.expect(200).string("/id"));
        client.get("/_emulator/idle").await.expect(200);
        let url = client.get(&path).await.string("/result/url");
        let file = client.download(&url).await.expect(200).text;
        assert_eq!(sorted(file.lines().skip(1).map(str::to_owned).collect()), expected, "{field} {operator}");
        // Then each change of a customer is evaluated in Rust.
        client.put("/_emulator/customers/a/state", json!({})).await.expect(200);
        let state = json!({"system_metadata": {"source": "segmentio", "web_widget": {"widgets": ["w1", "w2"]}}});
        client.put("/_emulator/customers/a/state", state).await.expect(200);
        assert_eq!(members(&client, &id).await, expected, "{field} {operator}");
    }
}

/// Returns the source ids of the members of a segment.
async fn members(client: &Client, segment: &str) -> String {
    let mut found = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let segments = client.get(&format!("/v1/customers/{name}/segments")).await.expect(200);
        if segments.column("data", "id").iter().any(|id| id == segment) {
            found.push(name.to_owned());
        }
    }
    sorted(found)
}

fn sorted(mut source_ids: Vec<String>) -> String {
    source_ids.sort();
    source_ids.join(" ")
}
