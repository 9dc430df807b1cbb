use axum::http::Method;
use serde_json::{Value, json};

use super::PATH;
use crate::support::TestProject;

/// A document with objects as the vendor's lists show them.
fn vendor_document() -> Value {
    json!({
        "orders": [
            {"id": "ord_0f2a05f696156bea40", "source_id": null, "created_at": "2024-03-23T19:53:51.446Z",
             "updated_at": "2024-03-24T19:53:51.605Z", "status": "PAID", "amount": 30000, "discount_amount": 0,
             "initial_amount": 30000, "total_amount": 30000, "applied_discount_amount": null,
             "items": [{"object": "order_item", "product_id": "prod_1", "quantity": 1, "sku_id": null, "price": null},
                       {"object": "order_item", "source_id": "x", "related_object": "product", "quantity": 2, "amount": 20000,
                        "discount_amount": null, "price": 10000, "subtotal_amount": 20000,
                        "product": {"id": "prod_2", "name": "P", "price": 10000, "override": null}}],
             "metadata": {}, "customer": {"id": "cust_7AaAaaA795IH11bXa0Ur8qrh", "object": "customer"},
             "customer_id": "cust_7AaAaaA795IH11bXa0Ur8qrh", "referrer_id": null, "object": "order", "redemptions": null},
            {"id": "ord_GNzrEwVWVjUWjSkEJ6UPB1WX", "source_id": "old", "created_at": "2021-12-09T09:26:07+00:00",
             "updated_at": null, "status": "FULFILLED", "amount": 500, "total_amount": 500,
             "customer_id": "cust_7AaAaaA795IH11bXa0Ur8qrh", "referrer_id": null, "object": "order"},
        ],
        "version": 1,
        "customers": [
            {"id": "cust_7AaAaaA795IH11bXa0Ur8qrh", "source_id": "crm-1", "name": "Jo Low", "email": "jo@low.example",
             "address": {"city": "Rome", "state": null, "line_1": null, "line_2": null, "country": "Italy", "postal_code": null},
             "summary": {"redemptions": {"total_redeemed": 7}, "orders": {"total_amount": 1, "total_count": 99,
                         "average_amount": 1, "last_order_amount": 1, "last_order_date": "2020-01-01T00:00:00.000Z"}},
             "loyalty": {"points": 5, "referred_customers": 0, "campaigns": {"C": {"points": 5}}},
             "referrals": {"total": 0, "campaigns": []}, "system_metadata": {"source": "import"},
             "metadata": {"vip": true}, "created_at": "2023-01-02T10:14:56.817Z", "updated_at": "2024-08-30T10:14:57.000Z",
             "assets": {"cockpit_url": "https://cockpit.example/x"}, "object": "customer"},
            {"id": "cust_8AaAaaA795IH11bXa0Ur8qrh", "source_id": null, "address": null,
             "created_at": "2024-08-30T10:14:56.780Z", "object": "customer"},
        ],
        "segments": [
            {"id": "seg_8AaAaaA795IH11bXa0Ur8qrh", "name": "Buyers", "created_at": "2022-05-10T08:43:49.000Z", "updated_at": null,
             "metadata": {}, "initial_sync_status": "DONE", "type": "auto-update", "object": "segment",
             "filter": {"junction": "and", "summary.orders.total_count": {"conditions": {"$more_than": [0]}}}},
        ],
        "format": "voucherify-emulator",
    })
}

#[tokio::test]
async fn objects_as_the_vendor_lists_them_are_loaded_in_any_order() {
    let project = TestProject::new();
    let client = project.client();
    client.put(PATH, vendor_document()).await.expect(200);
    insta::assert_snapshot!(client.get("/v1/customers/crm-1").await.expect(200).text, @r#"{"id":"cust_7AaAaaA795IH11bXa0Ur8qrh","source_id":"crm-1","name":"Jo Low","email":"jo@low.example","address":{"city":"Rome","state":null,"line_1":null,"line_2":null,"country":"Italy","postal_code":null},"summary":{"redemptions":{"total_redeemed":0,"total_failed":0,"total_succeeded":0,"total_rolled_back":0,"total_rollback_failed":0,"total_rollback_succeeded":0,"gift":{"redeemed_amount":0,"amount_to_go":0},"loyalty_card":{"redeemed_points":0,"points_to_go":0}},"orders":{"total_amount":30500,"total_count":2,"average_amount":15250,"last_order_amount":30000,"last_order_date":"2024-03-23T19:53:51.446Z"}},"loyalty":{"points":0,"referred_customers":0,"campaigns":{}},"referrals":{"total":0,"campaigns":[]},"metadata":{"vip":true},"system_metadata":{},"created_at":"2023-01-02T10:14:56.817Z","updated_at":"2024-08-30T10:14:57.000Z","assets":{"cockpit_url":"http://127.0.0.1:8682/_emulator/cockpit/cust_7AaAaaA795IH11bXa0Ur8qrh"},"object":"customer"}"#);
    insta::assert_snapshot!(client.get("/v1/orders?order=created_at").await.expect(200).text, @r#"{"object":"list","data_ref":"orders","orders":[{"id":"ord_GNzrEwVWVjUWjSkEJ6UPB1WX","source_id":"old","created_at":"2021-12-09T09:26:07.000Z","updated_at":null,"status":"FULFILLED","amount":500,"total_amount":500,"customer":{"id":"cust_7AaAaaA795IH11bXa0Ur8qrh","object":"customer"},"customer_id":"cust_7AaAaaA795IH11bXa0Ur8qrh","referrer_id":null,"object":"order"},{"id":"ord_0f2a05f696156bea40","source_id":null,"created_at":"2024-03-23T19:53:51.446Z","updated_at":"2024-03-24T19:53:51.605Z","status":"PAID","amount":30000,"total_amount":30000,"items":[{"object":"order_item","product_id":"prod_1","quantity":1},{"object":"order_item","source_id":"x","related_object":"product","quantity":2,"amount":20000,"price":10000,"subtotal_amount":20000,"product":{"id":"prod_2","name":"P","price":10000}}],"metadata":{},"customer":{"id":"cust_7AaAaaA795IH11bXa0Ur8qrh","object":"customer"},"customer_id":"cust_7AaAaaA795IH11bXa0Ur8qrh","referrer_id":null,"object":"order"}],"total":2}"#);
    client.get("/v1/orders/ord_GNzrEwVWVjUWjSkEJ6UPB1WX").await.expect(200);
    let list = client.get("/v1/customers").await.expect(200);
    assert_eq!(list.column("customers", "id"), ["cust_8AaAaaA795IH11bXa0Ur8qrh", "cust_7AaAaaA795IH11bXa0Ur8qrh"]);
    let members = client.get("/v1/customers?segment_id=seg_8AaAaaA795IH11bXa0Ur8qrh").await.expect(200);
    assert_eq!(
        (members.column("customers", "source_id"), &members.json()["total"]),
        (vec!["crm-1".to_owned()], &json!(1))
    );
    // Nothing was recorded.
    let activity = client.get("/v1/customers/crm-1/activity").await.expect(200).json();
    assert_eq!(activity["data"], json!([]));
}

#[tokio::test]
async fn ids_and_times_that_are_missing_are_made_in_the_order_of_the_document() {
    let project = TestProject::new();
    let client = project.client();
    let names: Vec<_> = (0..250).map(|number| format!("c{number:03}")).collect();
    let customers: Vec<_> = names.iter().map(|name| json!({"source_id": name})).collect();
    let orders: Vec<_> = names.iter().map(|name| json!({"source_id": name, "customer": {"source_id": name}})).collect();
    client.put(PATH, json!({"customers": customers, "orders": orders})).await.expect(200);
    for list in ["customers", "orders"] {
        let (mut found, mut after) = (Vec::new(), String::new());
        for _ in 0..4 {
            let cursor = format!("{}{after}", if after.is_empty() { "" } else { "&starting_after=" });
            let path = format!("/v1/{list}?limit=99&order=created_at{cursor}");
            let page = client.get(&path).await.expect(200);
            found.extend(page.column(list, "source_id"));
            after = page.column(list, "created_at").pop().unwrap_or(after);
            if list == "orders" {
                break;
            }
        }
        assert_eq!(found[..99], names[..99], "{list}");
        assert!(list == "orders" || found == names);
    }
    // What is written next is later.
    client.customer(json!({"source_id": "next"})).await;
    assert_eq!(client.get("/v1/customers").await.column("customers", "source_id")[0], "next");
}

#[tokio::test]
async fn an_addition_replaces_by_id_and_by_source_id_and_keeps_the_rest() {
    let project = TestProject::new();
    let client = project.client();
    client.put(PATH, vendor_document()).await.expect(200);
    let bob = client.customer(json!({"source_id": "bob", "name": "Bob", "metadata": {"a": 1}})).await;
    client.post("/v1/segments", json!({"name": "Fixed", "customers": [bob]})).await.expect(200);
    let bob_before = client.get("/v1/customers/bob").await.json();
    let document = json!({
        "customers": [
            // The project has this customer under another id.
            {"id": "cust_9AaAaaA795IH11bXa0Ur8qrh", "source_id": "bob", "email": "bob@x.example", "consents": {"c": true}},
            {"id": "cust_8AaAaaA795IH11bXa0Ur8qrh", "source_id": "crm-2", "created_at": "2020-01-01T00:00:00Z"},
            {"source_id": "new"},
        ],
        "orders": [
            {"source_id": "o-bob", "status": "PAID", "amount": 10, "customer_id": "cust_9AaAaaA795IH11bXa0Ur8qrh"},
            {"source_id": "old", "status": "CANCELED", "amount": 500, "customer": {"source_id": "crm-1"}},
        ],
        "events": [{"event": "Viewed", "customer": {"source_id": "bob"}}],
        "segments": [{"id": "seg_9AaAaaA795IH11bXa0Ur8qrh", "name": "Some", "customers": ["new", "cust_9AaAaaA795IH11bXa0Ur8qrh"]}],
    });
    let answer = client.post(PATH, document.clone()).await.expect(200);
    assert_eq!(answer.json()["counts"]["customers"], 3);
    let found = client.get("/v1/customers/bob").await.expect(200).json();
    assert_eq!((found["id"].as_str(), &found["created_at"]), (Some(bob.as_str()), &bob_before["created_at"]));
    assert_eq!((found.get("name"), found.get("metadata"), &found["email"]), (None, None, &json!("bob@x.example")));
    assert_eq!(found["summary"]["orders"]["total_amount"], 10);
    let crm = client.get("/v1/customers/crm-1").await.expect(200).json();
    assert_eq!(crm["summary"]["orders"]["total_count"], 1, "the other order is canceled now");
    let list = client.get("/v1/customers?order=created_at").await.expect(200);
    assert_eq!(list.column("customers", "source_id"), ["crm-2", "crm-1", "bob", "new"]);
    assert_eq!(list.json()["total"], 4);
    assert_eq!(client.get("/v1/orders").await.json()["total"], 3);
    let segments = client.get("/v1/customers/bob/segments").await.expect(200);
    assert_eq!(segments.column("data", "name"), ["Buyers", "Fixed", "Some"]);
    // A second time only the event, which has no id, is new.
    client.post(PATH, document).await.expect(200);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 4);
    let state = client.get(PATH).await.expect(200).json();
    assert_eq!((state["orders"].as_array().unwrap().len(), state["events"].as_array().unwrap().len()), (3, 2));
    let conflict = json!({"customers": [{"id": bob, "source_id": "crm-1"}]});
    let details = client.post(PATH, conflict).await.expect(400).string("/details");
    assert_eq!(details, "Property .customers[0].source_id must NOT be that of another customer of the project");
}

#[tokio::test]
async fn loading_sends_no_webhook_and_evaluates_every_segment_again() {
    let project = TestProject::new();
    let client = project.client();
    let webhook = json!({"target_url": "http://127.0.0.1:1/", "events": ["customer.created", "customer.updated"]});
    client.post("/_emulator/webhooks", webhook).await.expect(200);
    let filter = json!({"junction": "and", "metadata.n": {"conditions": {"$is": ["1"]}}});
    let segment = json!({"name": "One", "type": "auto-update", "filter": filter});
    let id = client.post("/v1/segments", segment).await.expect(200).string("/id");
    let add = |n: &str| json!({"customers": [{"source_id": "a", "metadata": {"n": n}}]}).to_string();
    for (n, members) in [("1", 1), ("2", 0), ("1", 1)] {
        client.call(Method::POST, PATH, Some(add(n))).await.expect(200);
        let list = client.get(&format!("/v1/customers?segment_id={id}")).await.expect(200);
        assert_eq!((&list.json()["total"], list.column("customers", "id").len()), (&json!(members), members));
    }
    assert_eq!(client.get("/v1/customers/a/activity").await.json()["data"], json!([]));
    assert_eq!(client.get("/_emulator/webhooks/deliveries").await.expect(200).json()["data"], json!([]));
}
