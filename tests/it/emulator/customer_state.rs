use serde_json::json;

use crate::support::TestProject;

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
        (
            json!({"referrals": {"campaigns": [{"referrer_id": "cust_x"}]}}),
            "Property .referrals.campaigns[0].referrer_id is not kept: it names another person",
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
