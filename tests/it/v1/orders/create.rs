use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn order_without_customer_has_recorded_form() {
    let project = TestProject::new();
    let body = json!({"amount": 10000, "currency": "EUR", "items": [{"quantity": 1, "product_id": "test_order_item1"},
        {"quantity": 1, "product_id": "test_order_item2", "object": "order_item"}]});
    let answer = project.client().post("/v1/orders", body).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<ord_>",
      "source_id": null,
      "created_at": "<time>",
      "updated_at": null,
      "status": "CREATED",
      "amount": 10000,
      "total_amount": 10000,
      "items": [
        {"object":"order_item","product_id":"test_order_item1","quantity":1},
        {"object":"order_item","product_id":"test_order_item2","quantity":1}
      ],
      "customer_id": null,
      "referrer_id": null,
      "object": "order"
    }
    "#);
}

#[tokio::test]
async fn item_prices_determine_order_amount() {
    let project = TestProject::new();
    let body = json!({"source_id": "new", "status": "FULFILLED", "amount": 1, "metadata": {"m": 1}, "items": [
        {"source_id": "prod_1", "related_object": "product", "quantity": 2,
            "product": {"name": "Phone", "price": 60000, "metadata": {"c": ["p"]}, "override": true}},
        {"source_id": "Comic", "related_object": "sku", "quantity": 1,
            "product": {"source_id": "Books", "name": "Comics", "price": 2100},
            "sku": {"sku": "Comics1", "source_id": "Comic", "price": 1700}, "metadata": {"i": 1}}]});
    let answer = project.client().post("/v1/orders", body).await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "id": "<ord_>",
      "source_id": "new",
      "created_at": "<time>",
      "updated_at": null,
      "status": "FULFILLED",
      "amount": 121700,
      "total_amount": 121700,
      "items": [
        {
          "object": "order_item",
          "source_id": "prod_1",
          "related_object": "product",
          "quantity": 2,
          "amount": 120000,
          "price": 60000,
          "subtotal_amount": 120000,
          "product": {"name":"Phone","metadata":{"c":["p"]},"price":60000}
        },
        {
          "object": "order_item",
          "source_id": "Comic",
          "related_object": "sku",
          "quantity": 1,
          "amount": 1700,
          "price": 1700,
          "subtotal_amount": 1700,
          "product": {"source_id":"Books","name":"Comics","price":2100},
          "sku": {"source_id":"Comic","sku":"Comics1","price":1700},
          "metadata": {"i":1}
        }
      ],
      "metadata": {"m":1},
      "customer_id": null,
      "referrer_id": null,
      "object": "order"
    }
    "#);
}

#[tokio::test]
async fn item_amounts_without_prices_determine_order_amount() {
    let project = TestProject::new();
    let client = project.client();
    let created = async |body| {
        let order = client.post("/v1/orders", body).await.expect(200).json();
        (order["amount"].as_i64().unwrap(), order["total_amount"].as_i64().unwrap(), order["items"].to_string())
    };
    assert_eq!(
        created(json!({"items": [{"product_id": "p", "quantity": 2, "amount": 700}, {"amount": 5}]})).await,
        (
            705,
            705,
            r#"[{"object":"order_item","product_id":"p","quantity":2,"amount":700,"subtotal_amount":700},{"object":"order_item","amount":5,"subtotal_amount":5}]"#.to_owned()
        )
    );
    // A price takes precedence, also that of a product.
    let (amount, ..) = created(json!({"items": [{"quantity": 2, "amount": 700, "price": 100}]})).await;
    assert_eq!(amount, 200);
    let (amount, ..) = created(json!({"items": [{"quantity": 2, "amount": 700, "product": {"price": 90}}]})).await;
    assert_eq!(amount, 180);
    // Without any of them the amount is the one of the order.
    let (amount, ..) = created(json!({"amount": 9, "items": [{"quantity": 2}, {"amount": null}]})).await;
    assert_eq!(amount, 9);
    let answer = client.post("/v1/orders", json!({"items": [{"amount": 0.5}]})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .items[0].amount must be integer");
}

#[tokio::test]
async fn item_amounts_are_imported() {
    let project = TestProject::new();
    let client = project.client();
    let order = json!([{"source_id": "o", "status": "PAID", "customer": {"source_id": "c"},
        "items": [{"quantity": 3, "initial_quantity": 1, "amount": 300}]}]);
    client.done("/v1/orders/import", order).await;
    assert_eq!(client.get("/v1/orders/o").await.expect(200).json()["amount"], 300);
    assert_eq!(client.get("/v1/customers/c").await.expect(200).json()["summary"]["orders"]["total_amount"], 300);
}

#[tokio::test]
async fn initial_quantity_below_one_returns_400() {
    let project = TestProject::new();
    let client = project.client();
    let answer = client.post("/v1/orders", json!({"items": [{"initial_quantity": 0}]})).await.expect(400);
    assert_eq!(answer.string("/details"), "Property .items[0].initial_quantity cannot be lower than 1");
    for quantity in [json!(1), json!(null), json!(1.0)] {
        client.post("/v1/orders", json!({"items": [{"initial_quantity": quantity}]})).await.expect(200);
    }
}

#[tokio::test]
async fn customer_and_referrer_of_order_are_created() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"amount": 1, "customer": {"source_id": "bob", "name": "Bob"}, "referrer": {"source_id": "jane"}});
    let answer = client.post("/v1/orders", body).await.expect(200);
    assert!(answer.shape().contains(
        r#""customer":{"id":"<cust_>","object":"customer"},"referrer":{"id":"<cust_>","object":"customer"},"customer_id":"<cust_>","referrer_id":"<cust_>","object":"order"}"#
    ));
    assert_eq!(client.get("/v1/customers/bob").await.expect(200).string("/id"), answer.string("/customer_id"));
    assert_eq!(client.get("/v1/customers/jane").await.expect(200).string("/id"), answer.string("/referrer/id"));
    let nameless = json!({"amount": 1, "customer": {"name": "No Id", "email": "no@id"}});
    let answer = client.post("/v1/orders", nameless).await.expect(200);
    client.get(&format!("/v1/customers/{}", answer.string("/customer_id"))).await.expect(200);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 3);
}

#[tokio::test]
async fn new_customer_that_is_also_the_referrer_is_created_and_then_updated() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({"amount": 1, "customer": {"source_id": "bob", "name": "Bob"},
        "referrer": {"source_id": "bob", "name": "Bobby"}});
    let answer = client.post("/v1/orders", body).await.expect(200);
    assert_eq!(answer.string("/customer_id"), answer.string("/referrer_id"));
    let customer = client.get("/v1/customers/bob").await.expect(200).json();
    assert_eq!((&customer["name"], customer["updated_at"].is_null()), (&json!("Bobby"), false));
    let activity = client.get("/v1/customers/bob/activity").await.expect(200);
    assert_eq!(activity.column("data", "type"), ["customer.order.created", "customer.updated", "customer.created"]);
    let [order, updated, created] =
        ["0", "1", "2"].map(|index| activity.string(&format!("/data/{index}/data/data/customer/name")));
    assert_eq!([order, updated, created], ["Bob", "Bobby", "Bob"]);
}

#[tokio::test]
async fn known_source_id_or_id_updates_order() {
    let project = TestProject::new();
    let client = project.client();
    let created =
        client.post("/v1/orders", json!({"source_id": "o", "amount": 5, "metadata": {"a": 1}})).await.expect(200);
    let body = json!({"source_id": "o", "status": "PAID", "metadata": {"b": 2}});
    let updated = client.post("/v1/orders", body).await.expect(200);
    assert_eq!(updated.string("/id"), created.string("/id"));
    assert!(
        updated
            .shape()
            .contains(r#""updated_at":"<time>","status":"PAID","amount":5,"total_amount":5,"metadata":{"a":1,"b":2},"#)
    );
    let by_id = client.post("/v1/orders", json!({"id": created.string("/id"), "amount": 6})).await.expect(200);
    assert_eq!((by_id.string("/source_id"), &by_id.json()["amount"]), ("o".to_owned(), &json!(6)));
    assert_eq!(client.get("/v1/orders").await.json()["total"], 1);
}

#[tokio::test]
async fn created_at_can_be_sent() {
    let project = TestProject::new();
    let body = json!({"amount": 1, "created_at": "2021-12-22T10:13:06.487Z"});
    let answer = project.client().post("/v1/orders", body).await.expect(200);
    assert_eq!(answer.string("/created_at"), "2021-12-22T10:13:06.487Z");
}

#[tokio::test]
async fn validation_error_contains_path_of_member() {
    let project = TestProject::new();
    let client = project.client();
    let many: Vec<_> = (0..501).map(|_| json!({})).collect();
    for (body, details) in [
        (json!({"amount": "1"}), "Property .amount must be integer"),
        (json!({"amount": 1.5}), "Property .amount must be integer"),
        (json!({"amount": 1e17}), "Property .amount cannot be higher than 9007199254740991"),
        (
            json!({"status": "NEW"}),
            "Property .status must be equal to one of the allowed values [ CREATED, PAID, CANCELED, FULFILLED ]",
        ),
        (json!({"items": {}}), "Property .items must be array"),
        (json!({"items": [1]}), "Property .items[0] must be object"),
        (json!({"items": [{}, {"price": "1"}]}), "Property .items[1].price must be integer"),
        (
            json!({"items": [{"related_object": "thing"}]}),
            "Property .items[0].related_object must be equal to one of the allowed values [ product, sku ]",
        ),
        (json!({"items": many}), "Property .items must NOT have more than 500 items"),
        (json!({"customer": "bob"}), "Property .customer must be object"),
        (json!({"customer": {"metadata": 1}}), "Property .customer.metadata must be object"),
        (json!({"created_at": "now"}), "Property .created_at cannot be recognized as a ISO-8601 compliant date"),
    ] {
        assert_eq!(client.post("/v1/orders", body).await.expect(400).string("/details"), details);
    }
}

#[tokio::test]
async fn ids_of_other_project_return_404() {
    let project = TestProject::new();
    let (client, other_client) = (project.client(), project.other_project());
    let customer = client.customer(json!({})).await;
    let order = client.post("/v1/orders", json!({"source_id": "o", "amount": 1})).await.string("/id");
    for (body, kind) in [
        (json!({"customer": {"id": customer}}), "customer"),
        (json!({"customer_id": customer}), "customer"),
        (json!({"referrer_id": customer}), "customer"),
        (json!({"id": order}), "order"),
    ] {
        let answer = other_client.post("/v1/orders", body).await.expect(404);
        assert_eq!(answer.string("/resource_type"), kind);
    }
    assert_eq!(other_client.get("/v1/orders").await.json()["total"], 0, "no order was created");
    assert_ne!(other_client.post("/v1/orders", json!({"source_id": "o"})).await.expect(200).string("/id"), order);
}

#[tokio::test]
async fn id_and_source_id_are_not_interchangeable() {
    let project = TestProject::new();
    let client = project.client();
    let id = client.post("/v1/orders", json!({"source_id": "o", "amount": 1})).await.expect(200).string("/id");
    client.post("/v1/orders", json!({"id": "o", "amount": 2})).await.expect(404);
    let other = client.post("/v1/orders", json!({"source_id": id, "amount": 3})).await.expect(200).string("/id");
    assert_ne!(other, id);
}
