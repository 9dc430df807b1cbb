use serde_json::json;

use super::export_file;
use crate::support::TestProject;

const PATH: &str = "/v1/exports";

#[tokio::test]
async fn new_export_is_scheduled_and_returns_its_parameters() {
    let project = TestProject::new();
    let client = project.client();
    let filters =
        json!({"junction": "or", "email": {"conditions": {"$is": "a"}}, "name": {"conditions": {"$is": ["A"]}}});
    let body = json!({"exported_object": "customer", "parameters": {
        "filters": filters, "fields": ["id", "metadata.tag"], "order": "-email", "response_format": "CSV"}});
    let answer = client.post(PATH, body).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<exp_>",
      "object": "export",
      "created_at": "<time>",
      "status": "SCHEDULED",
      "channel": "API",
      "exported_object": "customer",
      "parameters": {
        "order": "-email",
        "fields": ["id","metadata.tag"],
        "filters": {"junction":"or","email":{"conditions":{"$is":"a"}},"name":{"conditions":{"$is":["A"]}}}
      },
      "result": null,
      "user_id": null
    }
    "#);
}

#[tokio::test]
async fn default_fields_are_returned_when_none_were_sent() {
    let project = TestProject::new();
    let client = project.client();
    for (parameters, expected) in [
        (json!(null), r#"{"fields":["name","source_id"]}"#),
        (json!({}), r#"{"fields":["name","source_id"]}"#),
        (json!({"order": "", "fields": [], "filters": null}), r#"{"order":"","fields":["name","source_id"]}"#),
        (json!({"filters": {}}), r#"{"fields":["name","source_id"],"filters":{}}"#),
    ] {
        let answer =
            client.post(PATH, json!({"exported_object": "customer", "parameters": parameters})).await.expect(200);
        assert!(answer.text.contains(&format!(r#""parameters":{expected},"result""#)), "{}", answer.text);
    }
    client.customer(json!({"source_id": "a", "name": "A"})).await;
    assert_eq!(export_file(&client, "customer", json!(null)).await, "Name,Source ID\nA,a\n");
    client.post("/v1/orders", json!({"source_id": "o"})).await.expect(200);
    let order = client.get("/v1/orders/o").await.string("/id");
    assert_eq!(export_file(&client, "order", json!({})).await, format!("ID,Source ID,Status\n{order},o,CREATED\n"));
}

#[tokio::test]
async fn invalid_objects_return_400_and_objects_not_emulated_return_501() {
    let project = TestProject::new();
    let client = project.client();
    for object in
        ["voucher", "redemption", "publication", "points_expiration", "voucher_transactions", "product", "sku"]
    {
        let error = client.post(PATH, json!({"exported_object": object})).await.expect(501);
        assert_eq!(error.string("/details"), format!("Exports of {object} are not emulated"));
    }
    for (body, details) in [
        (
            json!({"exported_object": "segment"}),
            "Property .exported_object must be equal to one of the allowed values [ voucher, redemption, customer, \
             publication, order, points_expiration, voucher_transactions, product, sku, api_log ]",
        ),
        (json!({}), "Payload must have required property 'exported_object'"),
        (json!({"exported_object": null}), "Property .exported_object must be string"),
        (json!({"exported_object": 1}), "Property .exported_object must be string"),
        (json!([]), "Payload must be object"),
        (json!({"exported_object": "order", "parameters": []}), "Property .parameters must be object"),
    ] {
        let error = client.post(PATH, body).await.expect(400);
        assert_eq!((error.string("/key").as_str(), error.string("/details").as_str()), ("invalid_payload", details));
    }
    assert_eq!(client.get(PATH).await.json()["total"], 0);
}

#[tokio::test]
async fn unknown_field_returns_400_with_allowed_fields() {
    let project = TestProject::new();
    let client = project.client();
    for field in ["", "nickname", "metadata.", "address.city", "Name", "amount"] {
        let body = json!({"exported_object": "customer", "parameters": {"fields": ["name", field]}});
        let error = client.post(PATH, body).await.expect(400);
        assert_eq!(
            error.shape(),
            concat!(
                r#"{"code":400,"key":"invalid_export_fields","message":"Invalid Export","details":"Unsupported field used. "#,
                "Allowed fields: name, id, description, email, source_id, created_at, address_city, address_state, ",
                "address_line_1, address_line_2, address_country, address_postal_code, redemptions_total_redeemed, ",
                "redemptions_total_failed, redemptions_total_succeeded, redemptions_total_rolled_back, ",
                "redemptions_total_rollback_failed, redemptions_total_rollback_succeeded, orders_total_amount, ",
                "orders_total_count, orders_average_amount, orders_last_order_amount, orders_last_order_date, ",
                "loyalty_points, loyalty_referred_customers, updated_at, phone, birthday, metadata, birthdate",
                r#"","request_id":"<v->"}"#
            )
        );
    }
    let body = json!({"exported_object": "order", "parameters": {"fields": ["name"]}});
    assert_eq!(
        client.post(PATH, body).await.expect(400).string("/details"),
        "Unsupported field used. Allowed fields: id, source_id, created_at, updated_at, status, amount, discount_amount, \
         items_discount_amount, total_discount_amount, total_amount, customer_id, referrer_id, metadata"
    );
}

#[tokio::test]
async fn invalid_parameters_return_400_with_their_path() {
    let project = TestProject::new();
    let client = project.client();
    let many = vec!["id"; 201];
    let long: Vec<_> = (0..150).map(|index| format!("{index:0500}")).collect();
    for (object, parameters, details) in [
        (
            "order",
            json!({"order": "name"}),
            "Property .parameters.order must be equal to one of the allowed values \
             [ -created_at, created_at, -updated_at, updated_at, -status, status ]",
        ),
        (
            "customer",
            json!({"order": "-status"}),
            "Property .parameters.order must be equal to one of the allowed values [ -name, name, -id, id, -email, email, \
             -source_id, source_id, -created_at, created_at, -updated_at, updated_at ]",
        ),
        ("customer", json!({"order": 1}), "Property .parameters.order must be string"),
        ("customer", json!({"fields": "id"}), "Property .parameters.fields must be array"),
        ("customer", json!({"fields": ["id", 1]}), "Property .parameters.fields[1] must be string"),
        ("customer", json!({"fields": many}), "Property .parameters.fields must NOT have more than 200 items"),
        ("customer", json!({"filters": []}), "Property .parameters.filters must be object"),
        (
            "customer",
            json!({"filters": {"name": {"conditions": {"$is": long}}}}),
            "Property .parameters.filters must NOT be larger than 65536 bytes",
        ),
        (
            "customer",
            json!({"filters": {"junction": "nor"}}),
            "Property .parameters.filters has wrong `junction` property. It must be one of: and, or",
        ),
        (
            "customer",
            json!({"filters": {"amount": {"conditions": {"$is": [1]}}}}),
            "Property .parameters.filters.amount is not a field that can be filtered by",
        ),
        (
            "order",
            json!({"filters": {"email": {"conditions": {"$is": ["a"]}}}}),
            "Property .parameters.filters.email is not a field that can be filtered by",
        ),
        (
            "order",
            json!({"filters": {"amount": {"conditions": {"$more_than": ["x"]}}}}),
            "Property .parameters.filters.amount.conditions.$more_than.0 must be number",
        ),
    ] {
        let error = client.post(PATH, json!({"exported_object": object, "parameters": parameters})).await.expect(400);
        assert_eq!((error.string("/key").as_str(), error.string("/details").as_str()), ("invalid_payload", details));
    }
    for filters in [json!({"amount": {"conditions": {"$above": [1]}}}), json!({"amount": {"$more_than": [1]}})] {
        let body = json!({"exported_object": "order", "parameters": {"filters": filters}});
        let details = client.post(PATH, body).await.expect(400).string("/details");
        let prefix = "Property .parameters.filters should match either `filters[${field}][conditions][${condition}][${index}]` \
                     or `filters[${field}][conditions][${condition}]` format and condition must be one of: $in, $not_in, ";
        assert!(details.starts_with(prefix) && details.ends_with(", $redeemed, $redeemable"), "{details}");
    }
    let filters = json!({"name": {"conditions": {"$redeemed": [true]}}});
    let body = json!({"exported_object": "customer", "parameters": {"filters": filters}});
    assert_eq!(client.post(PATH, body).await.expect(501).string("/details"), "The operator $redeemed is not emulated");
}
