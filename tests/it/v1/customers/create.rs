use serde_json::{Value, json};

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn empty_body_creates_customer_without_source_id() {
    let project = TestProject::new();
    let answer = project.client().post("/v1/customers", json!({})).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<cust_>",
      "source_id": null,
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
      "object": "customer"
    }
    "#);
}

#[tokio::test]
async fn all_members_are_returned_in_vendor_order() {
    let project = TestProject::new();
    let body = r#"{"metadata":{"lang":"en","test":true,"a":{"z":[1,null]}},"phone":"+1 933 222 3333","name":"Bob Smith",
        "birthdate":"2022-01-01","birthday":"2022-01-02","description":"A frequent customer","email":"bob@email.com",
        "address":{"postal_code":"10001","country":"US","line_2":"APT 3","line_1":"123 Main St.","state":"NY","city":"New York"},
        "source_id":"source_123","surplus":{"is":"ignored"}}"#;
    let client = project.client();
    let answer = client.call(axum::http::Method::POST, "/v1/customers", Some(body.to_owned())).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<cust_>",
      "source_id": "source_123",
      "name": "Bob Smith",
      "description": "A frequent customer",
      "email": "bob@email.com",
      "phone": "+1 933 222 3333",
      "birthday": "2022-01-02",
      "birthdate": "2022-01-01",
      "address": {
        "city": "New York",
        "state": "NY",
        "line_1": "123 Main St.",
        "line_2": "APT 3",
        "country": "US",
        "postal_code": "10001"
      },
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
      "metadata": {"lang":"en","test":true,"a":{"z":[1,null]}},
      "system_metadata": {},
      "created_at": "<time>",
      "object": "customer"
    }
    "#);
}

#[tokio::test]
async fn known_source_id_updates_customer() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00.123456Z").await;
    let client = emulator.client();
    let body = json!({"source_id": "a", "name": "A", "address": {"city": "Berlin"}, "metadata": {"x": 1, "y": 1}});
    let created = client.post("/v1/customers", body).await.expect(200);
    emulator.clock.set("2024-03-02T10:00:00Z".parse().unwrap());
    let body =
        json!({"source_id": "a", "email": "a@b.c", "address": {"country": null}, "metadata": {"y": null, "z": 2}});
    let updated = client.post("/v1/customers", body).await.expect(200);
    assert_eq!(updated.string("/id"), created.string("/id"));
    assert_eq!(updated.string("/created_at"), "2024-03-01T10:00:00.123Z");
    assert_eq!(updated.string("/updated_at"), "2024-03-02T10:00:00.000Z");
    assert!(updated.text.contains(r#""name":"A","email":"a@b.c","address":{"city":"Berlin","country":null}"#));
    assert!(updated.text.contains(r#""metadata":{"x":1,"y":null,"z":2},"#));
}

#[tokio::test]
async fn id_takes_precedence_over_source_id_and_unknown_id_returns_404() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.customer(json!({"source_id": "a"})).await;
    let body = json!({"id": id, "source_id": "b", "name": "N"});
    let updated = client.post("/v1/customers", body).await.expect(200);
    assert_eq!(
        (updated.string("/id"), updated.string("/source_id"), updated.string("/name")),
        (id, "a".into(), "N".into())
    );
    client.get("/v1/customers/b").await.expect(404);
    let answer = client.post("/v1/customers", json!({"id": "cust_unknown"})).await.expect(404);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "code": 404,
      "key": "not_found",
      "message": "Resource not found",
      "details": "Cannot find customer with id cust_unknown",
      "request_id": "<v->",
      "resource_id": "cust_unknown",
      "resource_type": "customer"
    }
    "#);
}

#[tokio::test]
async fn null_clears_member_and_is_ignored_at_creation() {
    let project = TestProject::new();
    let client = project.client();
    let nulls = json!({"id": null, "source_id": null, "name": null, "description": null, "email": null, "phone": null,
        "birthday": null, "birthdate": null, "address": null, "metadata": null});
    let fresh = client.post("/v1/customers", nulls).await.expect(200).json();
    for absent in ["name", "description", "email", "phone", "birthday", "birthdate", "metadata", "updated_at", "assets"]
    {
        assert!(fresh.get(absent).is_none(), "{absent}");
    }
    assert_eq!((&fresh["address"], &fresh["source_id"]), (&Value::Null, &Value::Null));
    client
        .post("/v1/customers", json!({"source_id": "a", "name": "A", "address": {"city": "B"}, "metadata": {"k": 1}}))
        .await;
    let body = json!({"source_id": "a", "name": null, "address": null, "metadata": null});
    let cleared = client.post("/v1/customers", body).await.expect(200).json();
    assert!(cleared.get("name").is_none() && cleared.get("metadata").is_none() && cleared["address"].is_null());
}

#[tokio::test]
async fn metadata_numbers_are_formatted_like_javascript() {
    let project = TestProject::new();
    let body = r#"{"metadata":{"one":1.0,"big":9007199254740993,"e":1e3,"half":0.50}}"#.to_owned();
    let answer = project.client().call(axum::http::Method::POST, "/v1/customers", Some(body)).await.expect(200);
    assert!(
        answer.text.contains(r#""metadata":{"one":1,"big":9007199254740992,"e":1000,"half":0.5}"#),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn validation_error_contains_path_of_member() {
    let project = TestProject::new();
    let client = project.client();
    let long = "x".repeat(501);
    for (body, details) in [
        (json!({"name": 1}), "Property .name must be string"),
        (json!({"email": ["a"]}), "Property .email must be string"),
        (json!({"source_id": 7.5}), "Property .source_id must be string"),
        (json!({"address": "Berlin"}), "Property .address must be object"),
        (json!({"address": {"city": 1}}), "Property .address.city must be string"),
        (json!({"metadata": []}), "Property .metadata must be object"),
        (json!({"birthdate": "21-06-1995"}), "Property .birthdate cannot be recognized as a ISO-8601 compliant date"),
        (json!({"name": long}), "Property .name must NOT have more than 500 characters"),
        (json!({"name": "a\u{0}"}), "Property .name must NOT contain the character U+0000"),
        (json!({"metadata": {"a": ["\u{0}"]}}), "Property .metadata.a[0] must NOT contain the character U+0000"),
        (json!({"metadata": {"\u{0}": 1}}), "Property .metadata must NOT contain the character U+0000"),
        (json!([]), "Payload must be object"),
        (json!(null), "Payload must be object"),
    ] {
        let answer = client.post("/v1/customers", body).await.expect(400);
        let error = answer.json();
        assert_eq!((&error["key"], &error["message"]), (&json!("invalid_payload"), &json!("Invalid payload")));
        assert_eq!(error["details"], details);
        assert!(error.get("resource_id").is_none());
    }
    assert_eq!(client.get("/v1/customers").await.json()["total"], 0, "nothing was created");
}

#[tokio::test]
async fn texts_of_maximum_length_are_stored_and_found() {
    let project = TestProject::new();
    let client = project.client();
    // Each character has four bytes, so that the indexed text has its maximum size in bytes.
    let long: String = (0..500).map(|n| char::from_u32(0x1F300 + n * 7 % 500).unwrap()).collect();
    let body = json!({"source_id": long, "name": long, "email": long, "phone": long, "address": {"city": long}});
    client.post("/v1/customers", body).await.expect(200);
    let encoded: String = form_urlencoded::byte_serialize(long.as_bytes()).collect();
    for query in ["name", "email", "city"] {
        assert_eq!(client.get(&format!("/v1/customers?{query}={encoded}")).await.expect(200).json()["total"], 1);
    }
    client.get(&format!("/v1/customers/{encoded}")).await.expect(200);
    client.delete(&format!("/v1/customers/{encoded}")).await.expect(204);
}

#[tokio::test]
async fn merged_metadata_over_limit_returns_400() {
    let project = TestProject::new();
    let client = project.client();
    let half = "x".repeat(600_000);
    client.post("/v1/customers", json!({"source_id": "a", "metadata": {"one": half}})).await.expect(200);
    let answer = client.post("/v1/customers", json!({"source_id": "a", "metadata": {"two": half}})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .metadata must NOT be larger than 1048576 bytes");
}

#[tokio::test]
async fn same_source_id_in_other_project_is_another_customer() {
    let project = TestProject::new();
    let (one, other) = (project.client(), project.other_project());
    let id = one.customer(json!({"source_id": "a", "name": "own"})).await;
    assert_ne!(other.customer(json!({"source_id": "a", "name": "other"})).await, id);
    other.post("/v1/customers", json!({"id": id})).await.expect(404);
    assert_eq!(one.get("/v1/customers/a").await.expect(200).string("/name"), "own");
}
