use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn customer_is_returned_by_id_and_source_id_with_assets() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "alice@morgan.com"})).await;
    let answer = client.get(&format!("/v1/customers/{id}")).await.expect(200);
    insta::assert_snapshot!(answer.snapshot().replace(&id, "<cust_>"), @r#"
    {
      "id": "<cust_>",
      "source_id": "alice@morgan.com",
      "address": null,
      "summary": {
        "redemptions": {
          "total_redeemed": 0,
          "total_failed": 0,
          "total_succeeded": 0,
          "total_rolled_back": 0,
          "total_rollback_failed": 0,
          "total_rollback_succeeded": 0,
          "gift": {"redeemed_amount":0,"amount_to_go":0},
          "loyalty_card": {"redeemed_points":0,"points_to_go":0}
        },
        "orders": {"total_amount":0,"total_count":0,"average_amount":0,"last_order_amount":0}
      },
      "loyalty": {"points":0,"referred_customers":0,"campaigns":{}},
      "referrals": {"total":0,"campaigns":[]},
      "system_metadata": {},
      "created_at": "<time>",
      "assets": {"cockpit_url":"http://127.0.0.1:8682/_emulator/cockpit/<cust_>"},
      "object": "customer"
    }
    "#);
    for path in ["/v1/customers/alice%40morgan.com", "/v1/customers/alice@morgan.com"] {
        assert_eq!(client.get(path).await.expect(200).text, answer.text);
    }
}

#[tokio::test]
async fn special_source_ids_are_found_percent_encoded() {
    let project = TestProject::new();
    let client = project.client();
    for source_id in ["a/b", "a b", "ü+1", "100%", "?x=y", "#", "..", "cust_looksLikeAnId0000000000", "日本"] {
        client.customer(json!({"source_id": source_id})).await;
        let encoded: String =
            percent_encoding::utf8_percent_encode(source_id, percent_encoding::NON_ALPHANUMERIC).to_string();
        let answer = client.get(&format!("/v1/customers/{encoded}")).await.expect(200);
        assert_eq!(answer.string("/source_id"), source_id);
    }
}

#[tokio::test]
async fn id_takes_precedence_over_equal_source_id() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({})).await;
    client.customer(json!({"source_id": id})).await;
    assert!(client.get(&format!("/v1/customers/{id}")).await.expect(200).json()["source_id"].is_null());
}

#[tokio::test]
async fn unknown_customer_returns_404_with_decoded_identifier() {
    let project = TestProject::new();
    let client = project.client();
    for (path, echoed) in [
        ("alice2%40morgan.com", "alice2@morgan.com"),
        ("cust_sehkNIi8Uq2qQuRqSr7xn4Z", "cust_sehkNIi8Uq2qQuRqSr7xn4Z"),
        ("cust_sehkNIi8Uq2qQuRqSr7xn4Zi", "cust_sehkNIi8Uq2qQuRqSr7xn4Zi"),
        ("%00", "\0"),
        ("%ff", "\u{fffd}"),
    ] {
        let error = client.get(&format!("/v1/customers/{path}")).await.expect(404).json();
        assert_eq!(error["details"], format!("Cannot find customer with id {echoed}"));
        assert_eq!((&error["resource_id"], &error["resource_type"]), (&json!(echoed), &json!("customer")));
    }
}

#[tokio::test]
async fn customer_of_other_project_returns_404() {
    let project = TestProject::new();
    let id = project.client().customer(json!({"source_id": "a"})).await;
    project.other_project().get(&format!("/v1/customers/{id}")).await.expect(404);
    project.other_project().get("/v1/customers/a").await.expect(404);
}
