//! JSON objects of clients are passed on as JavaScript writes them: a receiver that parses a body and writes it again
//! gets the same bytes.

use axum::http::Method;
use serde_json::{Value, json};
use voucherify_emulator::domain::json::JsonText;
use voucherify_emulator::domain::json::javascript::normalize;

use crate::support::{Receiver, TestEmulator, TestProject};
use crate::webhooks::{distribution, webhook};

/// An object whose keys and numbers JavaScript writes differently, and what it writes.
const SENT: &str = r#"{"vip":true,"2023":1.0,"9":{"z":1e21,"10":-0.0,"2":[{"b":1,"1":9007199254740993}]},"0.5":0.50}"#;
const WRITTEN: &str = r#"{"9":{"2":[{"1":9007199254740992,"b":1}],"10":0,"z":1e+21},"2023":1,"vip":true,"0.5":0.5}"#;

/// Fails when parsing and writing the body in JavaScript does not give the same bytes.
#[track_caller]
fn assert_is_stable(body: &str) {
    let mut value: Value = serde_json::from_str(body).unwrap();
    normalize(&mut value);
    assert_eq!(JsonText::of(&value).as_str(), body);
}

#[tokio::test]
async fn metadata_of_customers_orders_items_and_events_is_normalized() {
    let project = TestProject::new();
    let client = project.client();
    let customer = format!(r#"{{"source_id":"c","metadata":{SENT}}}"#);
    let order = format!(
        r#"{{"source_id":"o","metadata":{SENT},"items":[{{"metadata":{SENT},"product":{{"metadata":{SENT}}},"sku":{{"metadata":{SENT}}}}}]}}"#
    );
    let event = format!(r#"{{"event":"e","customer":{{"source_id":"c"}},"metadata":{SENT}}}"#);
    for (path, body, times) in [("/v1/customers", customer, 1), ("/v1/orders", order, 4), ("/v1/events", event, 2)] {
        let answer = client.call(Method::POST, path, Some(body)).await.expect(200);
        assert_eq!(answer.text.matches(WRITTEN).count(), times, "{}", answer.text);
        assert_is_stable(&answer.text);
    }
    for path in ["/v1/customers/c", "/v1/customers", "/v1/orders/o", "/v1/orders", "/v1/customers/c/activity"] {
        let answer = client.get(path).await.expect(200);
        assert!(answer.text.contains(WRITTEN), "{}", answer.text);
        assert_is_stable(&answer.text);
    }
}

#[tokio::test]
async fn merged_metadata_is_normalized() {
    let project = TestProject::new();
    let client = project.client();
    for (body, written) in [
        (json!({"source_id": "c", "metadata": {"b": 1, "10": 1}}), r#"{"10":1,"b":1}"#),
        (json!({"source_id": "c", "metadata": {"a": 1, "9": 1}}), r#"{"9":1,"10":1,"b":1,"a":1}"#),
    ] {
        let answer = client.post("/v1/customers", body).await.expect(200);
        assert!(answer.text.contains(&format!(r#""metadata":{written}"#)), "{}", answer.text);
    }
}

#[tokio::test]
async fn metadata_of_background_jobs_is_normalized() {
    let project = TestProject::new();
    let client = project.client();
    let start = async |path: &str, body: String| {
        let answer = client.call(Method::POST, path, Some(body)).await;
        client.action(&answer.string("/async_action_id")).await;
    };
    start("/v1/customers/bulk/async", format!(r#"[{{"source_id":"a","metadata":{SENT}}}]"#)).await;
    start("/v1/customers/metadata/async", format!(r#"{{"source_ids":["b"],"metadata":{SENT}}}"#)).await;
    start("/v1/orders/import", format!(r#"[{{"source_id":"o","metadata":{SENT}}}]"#)).await;
    client.import_csv("source_id,vip,2023,9\nd,x,y,z\n").await;
    for (path, written) in [
        ("/v1/customers/a", WRITTEN),
        ("/v1/customers/b", WRITTEN),
        ("/v1/orders/o", WRITTEN),
        ("/v1/customers/d", r#"{"9":"z","2023":"y","vip":"x"}"#),
    ] {
        let answer = client.get(path).await.expect(200);
        assert!(answer.text.contains(&format!(r#""metadata":{written}"#)), "{}", answer.text);
    }
}

#[tokio::test]
async fn schemas_filters_and_exports_are_normalized() {
    let project = TestProject::new();
    let client = project.client();
    let properties = r#"{"b":{"type":"number","optional":true,"array":false,"eq":[1e21,1.0]},"10":{"type":"string","optional":true,"array":false},"9":{"type":"string","optional":true,"array":false}}"#;
    let body = format!(r#"{{"related_object":"customer","properties":{properties}}}"#);
    let schema = client.call(Method::POST, "/v1/metadata-schemas", Some(body)).await.expect(200);
    let members: Vec<_> = schema.json()["properties"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["9", "10", "b"]);
    assert!(schema.text.contains(r#""eq":[1e+21,1]"#), "{}", schema.text);
    let filter = r#"{"junction":"and","metadata.b":{"conditions":{"$is":[1e21,1.0]}}}"#;
    let body = format!(r#"{{"name":"S","type":"passive","filter":{filter}}}"#);
    let segment = client.call(Method::POST, "/v1/segments", Some(body)).await.expect(200);
    let export = format!(r#"{{"exported_object":"customer","parameters":{{"filters":{filter}}}}}"#);
    let export = client.call(Method::POST, "/v1/exports", Some(export)).await.expect(200);
    for answer in [schema, segment, export] {
        assert_is_stable(&answer.text);
    }
    // The filter finds the number that it names.
    client.call(Method::POST, "/v1/customers", Some(r#"{"metadata":{"b":1e21}}"#.to_owned())).await.expect(200);
    let found = client.get("/v1/customers?filters[metadata.b][conditions][$is]=1e21").await.expect(200);
    assert_eq!(found.json()["total"], 1);
}

#[tokio::test]
async fn the_state_of_a_customer_is_normalized() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "c"})).await;
    let state = format!(
        r#"{{"loyalty":{{"campaigns":{{"b":{{"points":1}},"10":{{"points":2.0}},"9":{{}}}}}},"system_metadata":{SENT}}}"#
    );
    let answer = client.call(Method::PUT, "/_emulator/customers/c/state", Some(state)).await.expect(200);
    assert!(answer.text.contains(&format!(r#""system_metadata":{WRITTEN}"#)), "{}", answer.text);
    assert_is_stable(&answer.text);
}

#[tokio::test]
async fn webhook_messages_are_stable() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created", "customer.updated", "customer.deleted"]).await;
    let events = ["customer.custom_event", "customer.order.created", "customer.order.updated"];
    distribution(&client, &receiver, None, &events).await;
    let customer = format!(r#"{{"source_id":"c","metadata":{SENT}}}"#);
    client.call(Method::POST, "/v1/customers", Some(customer.clone())).await.expect(200);
    client.call(Method::POST, "/v1/customers", Some(customer)).await.expect(200);
    let event = format!(r#"{{"event":"e","customer":{{"source_id":"c"}},"metadata":{SENT}}}"#);
    client.call(Method::POST, "/v1/events", Some(event)).await.expect(200);
    for status in ["CREATED", "PAID"] {
        let order = format!(
            r#"{{"source_id":"o","status":"{status}","customer":{{"source_id":"c"}},"metadata":{SENT},"items":[{{"metadata":{SENT}}}]}}"#
        );
        client.call(Method::POST, "/v1/orders", Some(order)).await.expect(200);
    }
    client.delete("/v1/customers/c").await.expect(204);
    for message in receiver.received(6).await {
        let body = std::str::from_utf8(&message.body).unwrap();
        assert!(body.contains("9007199254740992"), "{body}");
        assert_is_stable(body);
    }
}
