//! Tests the payloads of the activity entries of customers and orders.

use axum::http::Method;
use serde_json::{Value, json};
use voucherify_emulator::config::DEFAULT_APP_ID;

use crate::support::TestEmulator;

/// Returns the JSON text of an entry, with placeholders for ids and times.
fn entry(kind: &str, payload: &str) -> String {
    format!(
        r#"{{"id":"<evcus_>","type":"{kind}","data":{{"data":{payload},"event_source":{{"channel":"API","api_key":{{"name":"Server-side key","app_id":"{DEFAULT_APP_ID}"}}}}}},"created_at":"<time>","group_id":"<v->"}}"#
    )
}

fn list(entries: &[String]) -> String {
    format!(r#"{{"object":"list","data_ref":"data","data":[{}],"has_more":false}}"#, entries.join(","))
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "most of the lines are the expected body")]
async fn customer_changes_are_recorded_with_payload() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    client.put("/v1/customers/a", json!({"name": "A"})).await.expect(200);
    let event = json!({"event": "visit", "customer": {"source_id": "a"}, "loyalty": {"code": "L"},
        "referral": {"code": "R", "referrer_id": "friend"}, "metadata": {"page": 1}});
    client.post("/v1/events", event).await.expect(200);
    client.put("/v1/customers/a/consents", json!({"cnst_1": true, "cnst_2": true})).await.expect(204);
    client.put("/v1/customers/a/consents", json!({"cnst_2": false})).await.expect(204);
    let answer = client.get("/v1/customers/a/activity?order=created_at").await.expect(200);
    insta::assert_snapshot!(answer.snapshot(), @r#"
    {
      "object": "list",
      "data_ref": "data",
      "data": [
        {
          "id": "<evcus_>",
          "type": "customer.created",
          "data": {
            "data": {
              "customer": {
                "id": "<cust_>",
                "source_id": "a",
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
            },
            "event_source": {
              "channel": "API",
              "api_key": {"name":"Server-side key","app_id":"c70a6f00-cf91-4756-9df5-47628850002b"}
            }
          },
          "created_at": "<time>",
          "group_id": "<v->"
        },
        {
          "id": "<evcus_>",
          "type": "customer.updated",
          "data": {
            "data": {
              "customer": {
                "id": "<cust_>",
                "source_id": "a",
                "name": "A",
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
                "updated_at": "<time>",
                "object": "customer"
              }
            },
            "event_source": {
              "channel": "API",
              "api_key": {"name":"Server-side key","app_id":"c70a6f00-cf91-4756-9df5-47628850002b"}
            }
          },
          "created_at": "<time>",
          "group_id": "<v->"
        },
        {
          "id": "<evcus_>",
          "type": "customer.custom_event",
          "data": {
            "data": {
              "event": {
                "id": "<event_>",
                "object": "event",
                "type": "visit",
                "customer": {"id":"<cust_>"},
                "referral": null,
                "loyalty": {"code":"L"},
                "metadata": {"page":1},
                "created_at": "<time>"
              },
              "event_schema": null,
              "customer": {"id":"<cust_>","name":"A","email":null,"source_id":"a","object":"customer"},
              "referral": null,
              "loyalty": {"code":"L"}
            },
            "event_source": {
              "channel": "API",
              "api_key": {"name":"Server-side key","app_id":"c70a6f00-cf91-4756-9df5-47628850002b"}
            }
          },
          "created_at": "<time>",
          "group_id": "<v->"
        },
        {
          "id": "<evcus_>",
          "type": "customer.consents.given",
          "data": {
            "data": {
              "consents": [
                {"id":"cnst_1","name":"cnst_1","object":"consent"},
                {"id":"cnst_2","name":"cnst_2","object":"consent"}
              ],
              "customer": {"id":"<cust_>","name":"A","email":null,"source_id":"a","object":"customer"}
            },
            "event_source": {
              "channel": "API",
              "api_key": {"name":"Server-side key","app_id":"c70a6f00-cf91-4756-9df5-47628850002b"}
            }
          },
          "created_at": "<time>",
          "group_id": "<v->"
        },
        {
          "id": "<evcus_>",
          "type": "customer.consents.revoked",
          "data": {
            "data": {
              "consents": [{"id":"cnst_2","name":"cnst_2","object":"consent"}],
              "customer": {"id":"<cust_>","name":"A","email":null,"source_id":"a","object":"customer"}
            },
            "event_source": {
              "channel": "API",
              "api_key": {"name":"Server-side key","app_id":"c70a6f00-cf91-4756-9df5-47628850002b"}
            }
          },
          "created_at": "<time>",
          "group_id": "<v->"
        }
      ],
      "has_more": false
    }
    "#);
}

/// Returns the payload of an entry of an order with amount 5, whose customer has `metadata`.
fn order_payload(metadata: &str, updated_at: &str, status: &str, with_referrer: bool) -> String {
    let other_customer =
        r#"{"id":"<cust_>","address":null,"summary":null,"loyalty":null,"referrals":null,"object":"customer"}"#;
    let (shown, referrer, referrer_id) = if with_referrer {
        let shown = r#"{"id":"<cust_>","name":"Jane","email":null,"source_id":"jane","object":"customer"}"#;
        (shown, format!(r#""referrer":{other_customer},"#), r#""<cust_>""#)
    } else {
        ("null", String::new(), "null")
    };
    format!(
        concat!(
            r#"{{"customer":{{"id":"<cust_>","name":null,"email":null,"source_id":"a","metadata":{metadata},"object":"customer"}},"#,
            r#""referrer":{shown},"order":{{"id":"<ord_>","source_id":"o","created_at":"<time>","updated_at":{updated_at},"#,
            r#""status":"{status}","amount":5,"total_amount":5,"metadata":{{"customer_id":1}},"customer":{other_customer},{referrer}"#,
            r#""customer_id":"<cust_>","referrer_id":{referrer_id},"object":"order"}},"redemption":null}}"#
        ),
        metadata = metadata,
        shown = shown,
        updated_at = updated_at,
        status = status,
        other_customer = other_customer,
        referrer = referrer,
        referrer_id = referrer_id
    )
}

#[tokio::test]
async fn order_changes_are_recorded_with_referrer() {
    let emulator = TestEmulator::at("2024-03-01T12:00:00Z").await;
    let client = emulator.client();
    // The metadata contains texts that look like parts of the payload, to test that the payload is rewritten correctly.
    let metadata =
        json!({"order": {"id": "x"}, "a": "\"},\"order\":{", "b\\": "\\", "c": {"object": "customer"}, "d": "}"});
    let customer = json!({"source_id": "a", "metadata": metadata});
    client.customer(customer).await;
    let order = json!({"source_id": "o", "amount": 5, "metadata": {"customer_id": 1}, "customer": {"source_id": "a"},
        "referrer": {"source_id": "jane", "name": "Jane"}});
    client.post("/v1/orders", order).await.expect(200);
    for (second, status) in [(1, "CANCELED"), (2, "FULFILLED"), (3, "PAID")] {
        emulator.clock.set(format!("2024-03-01T12:00:0{second}Z").parse().unwrap());
        client.put("/v1/orders/o", json!({"status": status})).await.expect(200);
    }
    let metadata = metadata.to_string();
    let expected = |with_referrer| {
        let updated = r#""<time>""#;
        let payload = |updated, status| order_payload(&metadata, updated, status, with_referrer);
        list(&[
            entry("customer.order.created", &payload("null", "CREATED")),
            entry("customer.order.updated", &payload(updated, "CANCELED")),
            entry("customer.order.canceled", &payload(updated, "CANCELED")),
            entry("customer.order.updated", &payload(updated, "FULFILLED")),
            entry("customer.order.fulfilled", &payload(updated, "FULFILLED")),
            entry("customer.order.updated", &payload(updated, "PAID")),
            entry("customer.order.paid", &payload(updated, "PAID")),
        ])
    };
    let created = client.get("/v1/customers/a/activity?order=created_at&limit=1").await.string("/data/0/id");
    let path = format!("/v1/customers/a/activity?order=created_at&starting_after_id={created}");
    let answer = client.get(&path).await.expect(200);
    assert_eq!(answer.shape(), expected(true));
    let payload = &answer.json()["data"][0]["data"]["data"];
    let jane = client.get("/v1/customers/jane").await.string("/id");
    for pointer in ["/referrer/id", "/order/referrer/id", "/order/referrer_id"] {
        assert_eq!(payload.pointer(pointer).and_then(Value::as_str), Some(jane.as_str()), "{pointer}");
    }
    assert_ne!(payload["order"]["customer_id"], payload["order"]["referrer_id"]);

    client.call(Method::POST, "/v1/customers/jane/permanent-deletion", None).await.expect(200);
    let after_erasure = client.get(&path).await.expect(200);
    assert_eq!(after_erasure.shape(), expected(false));
}

#[tokio::test]
async fn order_without_referrer_is_recorded_with_null_referrer() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a", "metadata": {}})).await;
    let order = json!({"source_id": "o", "amount": 5, "metadata": {"customer_id": 1}, "customer": {"source_id": "a"}});
    client.post("/v1/orders", order).await.expect(200);
    let answer = client.get("/v1/customers/a/activity?type=customer.order.created").await.expect(200);
    let expected = entry("customer.order.created", &order_payload("{}", "null", "CREATED", false));
    assert_eq!(answer.shape(), list(&[expected]));
}
