use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use super::settings;
use crate::support::{Receiver, TestEmulator, TestProject};

const PATH: &str = "/client/v1/customers";

fn sign_up() -> Value {
    json!({"source_id": "alice", "name": "Alice", "email": "alice@morgan.com", "metadata": {"lang": "en"}})
}

#[tokio::test]
async fn double_opt_in_creates_an_unconfirmed_customer() {
    let project = TestProject::new();
    let answer = project.page().double_opt_in(sign_up()).await.expect(200);
    assert_eq!(
        answer.shape(),
        concat!(
            r#"{"id":"<ucust_>","email":"alice@morgan.com","summary":{"redemptions":{"total_redeemed":0,"total_failed":0,"#,
            r#""total_succeeded":0,"total_rolled_back":0,"total_rollback_failed":0,"total_rollback_succeeded":0,"#,
            r#""gift":{"redeemed_amount":0,"amount_to_go":0},"loyalty_card":{"redeemed_points":0,"points_to_go":0}},"#,
            r#""orders":{"total_amount":0,"total_count":0,"average_amount":0,"last_order_amount":0}},"#,
            r#""loyalty":{"points":0,"referred_customers":0,"campaigns":{}},"object":"unconfirmed_customer"}"#,
        )
    );
    for body in [json!({}), json!({"email": null}), json!({"email": ""})] {
        let answer = project.page().double_opt_in(body).await.expect(200).json();
        assert_eq!(answer.get("email"), None);
    }
}

#[tokio::test]
async fn an_unconfirmed_customer_is_no_customer() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    let events = json!(["customer.created", "customer.updated", "customer.confirmed"]);
    client.post("/_emulator/webhooks", json!({"target_url": receiver.url(), "events": events})).await.expect(200);
    let segment = json!({"name": "All", "type": "auto-update", "filter": {"junction": "and"}});
    client.post("/v1/segments", segment).await.expect(200);
    let id = emulator.page().double_opt_in(sign_up()).await.expect(200).string("/id");
    for identifier in [id.as_str(), "alice", "alice%40morgan.com"] {
        let path = format!("/v1/customers/{identifier}");
        client.get(&path).await.expect(404);
        client.put(&path, json!({"name": "A"})).await.expect(404);
        client.delete(&path).await.expect(404);
        client.get(&format!("{path}/activity")).await.expect(404);
        client.put(&format!("{path}/consents"), json!({"cnst_a": true})).await.expect(404);
    }
    let list = client.get("/v1/customers?email=alice%40morgan.com").await.json();
    assert_eq!((&list["total"], &list["customers"]), (&json!(0), &json!([])));
    assert_eq!(client.get("/v1/customers").await.json()["total"], 0);
    let export = client.post("/v1/exports", json!({"exported_object": "customer"})).await.expect(200).string("/id");
    client.get("/_emulator/idle").await.expect(200);
    let url = client.get(&format!("/v1/exports/{export}")).await.string("/result/url");
    assert_eq!(client.download(&url).await.expect(200).text.lines().count(), 1);
    assert_eq!(emulator.tables_with("alice").await, ["unconfirmed_customers"]);
    assert_eq!(receiver.messages().len(), 0);
}

#[tokio::test]
async fn only_the_value_true_requests_double_opt_in() {
    let project = TestProject::new();
    for (value, object) in [
        ("true", "unconfirmed_customer"),
        ("TRUE", "unconfirmed_customer"),
        ("false", "customer"),
        ("", "customer"),
        ("1", "customer"),
        ("yes", "customer"),
    ] {
        let headers = [("content-type", "application/json"), ("x-voucherify-double-opt-in", value)];
        let answer = project.page().call_with(Method::POST, PATH, Body::from("{}"), &headers).await.expect(200);
        assert_eq!(answer.string("/object"), object, "{value}");
    }
    // The server side does not know the header.
    let headers = [("content-type", "application/json"), ("x-voucherify-double-opt-in", "true")];
    let answer =
        project.client().call_with(Method::POST, "/v1/customers", Body::from("{}"), &headers).await.expect(200);
    assert_eq!(answer.string("/object"), "customer");
}

#[tokio::test]
async fn the_same_source_id_keeps_one_unconfirmed_customer_with_the_last_data() {
    let project = TestProject::new();
    let (page, client) = (project.page(), project.client());
    let first = page.double_opt_in(json!({"source_id": "a", "name": "First", "email": "a@x"})).await.string("/id");
    let second = page.double_opt_in(json!({"source_id": "a", "email": "b@x"})).await.expect(200);
    assert_eq!((second.string("/id"), second.string("/email")), (first.clone(), "b@x".to_owned()));
    // Another source id, or none, is another one, although the e-mail address is the same.
    for other in [json!({"source_id": "c", "email": "b@x"}), json!({"email": "b@x"})] {
        assert_ne!(page.double_opt_in(other).await.expect(200).string("/id"), first);
    }
    let customer = client.post(&confirm_path(&first), json!({})).await.expect(200).json();
    assert_eq!((customer.get("name"), &customer["email"]), (None, &json!("b@x")));
}

#[tokio::test]
async fn the_same_email_without_source_id_keeps_one_unconfirmed_customer_with_the_last_data() {
    let project = TestProject::new();
    let (page, client) = (project.page(), project.client());
    let first = page.double_opt_in(json!({"name": "First", "email": "a@x"})).await.expect(200).string("/id");
    let second = page.double_opt_in(json!({"name": "Second", "email": "a@x"})).await.expect(200).string("/id");
    assert_eq!(first, second);
    assert_eq!(client.post(&confirm_path(&first), json!({})).await.expect(200).string("/name"), "Second");
    let mut ids = Vec::new();
    for other in [json!({"email": "A@x"}), json!({}), json!({}), json!({"email": ""}), json!({"email": ""})] {
        ids.push(page.double_opt_in(other).await.expect(200).string("/id"));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

fn confirm_path(id: &str) -> String {
    format!("/_emulator/unconfirmed-customers/{id}/confirm")
}

#[tokio::test]
async fn invalid_data_and_an_id_are_rejected_and_store_nothing() {
    let emulator = TestEmulator::new().await;
    let definition = json!({"type": "number", "optional": false, "array": false});
    let schema = json!({"related_object": "customer", "properties": {"age": definition}});
    emulator.client().post("/v1/metadata-schemas", schema).await.expect(200);
    let page = emulator.page();
    let details = page.double_opt_in(json!({"email": 1})).await.expect(400).string("/details");
    assert_eq!(details, "Property .email must be string");
    page.double_opt_in(json!([])).await.expect(400);
    for metadata in [json!({"age": "old"}), json!({})] {
        let body = json!({"source_id": "needle", "metadata": metadata});
        let unconfirmed = page.double_opt_in(body.clone()).await.expect(400);
        let theirs = page.post(PATH, body).await.expect(400);
        assert_eq!(unconfirmed.string("/details"), theirs.string("/details"));
    }
    let large = json!({"source_id": "needle", "metadata": {"k": "x".repeat(1024 * 1024)}});
    page.double_opt_in(large).await.expect(413);
    let with_id = page.double_opt_in(json!({"id": "cust_none", "name": "needle"})).await.expect(501);
    assert_eq!(
        with_id.string("/details"),
        "Double opt-in (X-Voucherify-Double-Opt-In: true) of a customer that exists (.id) is not emulated: nothing was changed"
    );
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
    // A customer that exists already has the required key.
    emulator.client().customer(json!({"source_id": "known", "metadata": {"age": 30}})).await;
    page.double_opt_in(json!({"source_id": "known", "name": "K"})).await.expect(200);
    page.double_opt_in(json!({"source_id": "known", "metadata": {"age": "old"}})).await.expect(400);
}

#[tokio::test]
async fn client_keys_and_the_setting_of_the_project_are_required() {
    let emulator = TestEmulator::new().await;
    emulator.page_with("a", "").double_opt_in(sign_up()).await.expect(401);
    settings(&emulator, json!({"client_create_customer_enabled": false})).await;
    emulator.page().double_opt_in(sign_up()).await.expect(401);
    assert_eq!(emulator.tables_with("alice").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_page_may_send_the_header() {
    let emulator = TestEmulator::new().await;
    let request = Request::options(PATH)
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-client-token,x-voucherify-double-opt-in")
        .body(Body::empty())
        .unwrap();
    let allowed = emulator.send(request).await.expect(200).header("access-control-allow-headers").to_owned();
    assert!(allowed.split(',').any(|name| name == "x-voucherify-double-opt-in"), "{allowed}");
    let answer = emulator.page().double_opt_in(json!({})).await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), emulator.origin());
}
