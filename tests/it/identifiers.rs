//! Identifiers that clients send as JSON integers.

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::TestProject;

#[tokio::test]
async fn an_integer_source_id_of_a_customer_is_its_digits() {
    let project = TestProject::new();
    let client = project.client();
    let created = client.post("/v1/customers", json!({"source_id": 17})).await.expect(200);
    assert_eq!(created.json()["source_id"], "17");
    let again = client.post("/v1/customers", json!({"source_id": "17", "name": "N"})).await.expect(200);
    assert_eq!(again.string("/id"), created.string("/id"));
    assert_eq!(client.get("/v1/customers/17").await.expect(200).string("/name"), "N");
    // The body of an update may repeat the source id, which is ignored.
    client.put("/v1/customers/17", json!({"source_id": 17, "name": "M"})).await.expect(200);
}

#[tokio::test]
async fn an_integer_beyond_2_to_the_53_keeps_its_digits() {
    let project = TestProject::new();
    let client = project.client();
    for digits in ["9007199254740993", "12345678901234567890", "18446744073709551615", "-9223372036854775808", "0"] {
        let body = format!(r#"{{"source_id":{digits}}}"#);
        let created = client.call(Method::POST, "/v1/customers", Some(body)).await.expect(200);
        assert_eq!(created.string("/source_id"), digits);
        client.get(&format!("/v1/customers/{digits}")).await.expect(200);
    }
}

#[tokio::test]
async fn other_values_are_no_identifiers() {
    let project = TestProject::new();
    let client = project.client();
    for value in ["1.5", "true", "{}", "[1]", "1e300", "18446744073709551616"] {
        for (path, body, property) in [
            ("/v1/customers", r#"{"source_id":?}"#, ".source_id"),
            ("/v1/customers", r#"{"id":?}"#, ".id"),
            ("/v1/orders", r#"{"source_id":?}"#, ".source_id"),
            ("/v1/orders", r#"{"customer":{"source_id":?}}"#, ".customer.source_id"),
            ("/v1/orders", r#"{"referrer_id":?}"#, ".referrer_id"),
            ("/v1/orders", r#"{"items":[{"product_id":?}]}"#, ".items[0].product_id"),
            ("/v1/orders", r#"{"items":[{"sku":{"id":?}}]}"#, ".items[0].sku.id"),
            ("/v1/orders/import", r#"[{"source_id":?}]"#, ".source_id"),
            ("/v1/events", r#"{"event":"e","customer":{"source_id":?}}"#, ".customer.source_id"),
            ("/v1/customers/bulk/async", r#"[{"source_id":?}]"#, "[0].source_id"),
            ("/v1/customers/metadata/async", r#"{"source_ids":[?],"metadata":{}}"#, ".source_ids[0]"),
            ("/v1/segments", r#"{"name":"S","customers":[?]}"#, ".customers[0]"),
        ] {
            let answer = client.call(Method::POST, path, Some(body.replace('?', value))).await.expect(400);
            assert_eq!(answer.string("/details"), format!("Property {property} must be string"), "{body} {value}");
        }
    }
}

#[tokio::test]
async fn other_texts_must_be_strings() {
    let project = TestProject::new();
    let client = project.client();
    for (path, body, property) in [
        ("/v1/customers", json!({"name": 1}), ".name"),
        ("/v1/customers", json!({"phone": 555_123}), ".phone"),
        ("/v1/customers", json!({"address": {"postal_code": 10_115}}), ".address.postal_code"),
        ("/v1/orders", json!({"items": [{"product": {"name": 1}}]}), ".items[0].product.name"),
        ("/v1/orders", json!({"items": [{"sku": {"sku": 1}}]}), ".items[0].sku.sku"),
        ("/v1/orders", json!({"status": 1}), ".status"),
        ("/v1/events", json!({"event": 1, "customer": {}}), ".event"),
        ("/v1/segments", json!({"name": 1}), ".name"),
    ] {
        let answer = client.post(path, body).await.expect(400);
        assert_eq!(answer.string("/details"), format!("Property {property} must be string"));
    }
}

#[tokio::test]
async fn orders_accept_integers_for_every_identifier() {
    let project = TestProject::new();
    let client = project.client();
    let body = json!({
        "source_id": 100, "customer": {"source_id": 17}, "referrer": {"source_id": 18},
        "items": [
            {"product_id": 1, "sku_id": 2, "quantity": 1, "price": 10},
            {"source_id": 3, "related_object": "product", "product": {"id": 4, "source_id": 5, "name": "P"}},
            {"source_id": 6, "related_object": "sku", "sku": {"id": 7, "source_id": 8, "sku": "S"}},
        ],
    });
    let created = client.post("/v1/orders", body).await.expect(200);
    assert_eq!(created.string("/source_id"), "100");
    let items = created.json()["items"].clone();
    insta::assert_snapshot!(items.to_string(), @r#"[{"object":"order_item","product_id":"1","sku_id":"2","quantity":1,"amount":10,"price":10,"subtotal_amount":10},{"object":"order_item","source_id":"3","related_object":"product","product":{"id":"4","source_id":"5","name":"P"}},{"object":"order_item","source_id":"6","related_object":"sku","sku":{"id":"7","source_id":"8","sku":"S"}}]"#);
    assert_eq!(client.get("/v1/customers/17").await.expect(200).string("/id"), created.string("/customer_id"));
    assert_eq!(client.get("/v1/customers/18").await.expect(200).string("/id"), created.string("/referrer_id"));
    let again = client.post("/v1/orders", json!({"source_id": 100, "status": "PAID"})).await.expect(200);
    assert_eq!(again.string("/id"), created.string("/id"));
    // An id is never an integer, so this one is read and not found.
    let unknown = client.post("/v1/orders", json!({"customer_id": 99})).await.expect(404);
    assert_eq!(unknown.string("/resource_id"), "99");
}

#[tokio::test]
async fn events_and_segments_accept_integers() {
    let project = TestProject::new();
    let client = project.client();
    let event = json!({"event": "e", "customer": {"source_id": 17}, "referral": {"code": "c", "referrer_id": 18}});
    let answer = client.post("/v1/events", event.clone()).await.expect(200);
    assert_eq!(
        (answer.string("/customer/source_id"), answer.string("/referral/referrer_id")),
        ("17".into(), "18".into())
    );
    let answer = project.page().post("/client/v1/events", event).await.expect(200);
    assert_eq!(answer.string("/customer/source_id"), "17");
    let answer = project.page().post("/client/v1/customers", json!({"source_id": 19})).await.expect(200);
    assert_eq!(answer.string("/source_id"), "19");
    // A static segment ignores what is no id of a customer.
    let segment = client.post("/v1/segments", json!({"name": "S", "customers": [17]})).await.expect(200);
    let members = client.get(&format!("/v1/customers?segment_id={}", segment.string("/id"))).await.expect(200);
    assert_eq!(members.json()["total"], 0);
}

#[tokio::test]
async fn background_jobs_accept_integers() {
    let project = TestProject::new();
    let client = project.client();
    let done = async |path: &str, body: Value| client.done(path, body).await["result"]["done_count"].clone();
    assert_eq!(done("/v1/customers/bulk/async", json!([{"source_id": 1}, {"source_id": "2"}])).await, 2);
    assert_eq!(done("/v1/customers/metadata/async", json!({"source_ids": [1, "2", 3], "metadata": {"m": 1}})).await, 3);
    let orders = json!([{"source_id": 10, "customer": {"source_id": 1}, "items": [{"product_id": 5}]}]);
    assert_eq!(done("/v1/orders/import", orders).await, 1);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 3);
    for source_id in ["1", "2", "3"] {
        assert_eq!(
            client.get(&format!("/v1/customers/{source_id}")).await.expect(200).json()["metadata"],
            json!({"m": 1})
        );
    }
    assert_eq!(client.get("/v1/orders/10").await.expect(200).string("/items/0/product_id"), "5");
}
