use serde_json::{Value, json};

use crate::support::{Client, World};

/// Creates the schema of `resource` with a removed and a living definition.
async fn create(client: &Client, resource: &str) -> String {
    let body = json!({"related_object": resource, "properties": {
        "gone": {"type": "string", "optional": true, "array": false, "deleted": true},
        "kept": {"type": "string", "optional": true, "array": false},
    }});
    client.post("/v1/metadata-schemas", body).await.expect(200).string("/id")
}

fn path(resource: &str) -> String {
    format!("/_emulator/metadata-schemas/{resource}/purge")
}

#[tokio::test]
async fn a_removed_key_is_purged_from_every_customer_and_dropped() {
    let world = World::at("2024-01-01T00:00:00Z").await;
    let client = world.client();
    create(&client, "customer").await;
    for (source_id, metadata) in [
        ("a", json!({"z\"\\\u{1}": "a \"b\" \u{7f}ü", "gone": 1, "a": {"gone": 2, "b": [1, null, 1.5]}, "b": null})),
        ("b", json!({"gone": null})),
        ("c", json!({"kept": "x"})),
        ("d", json!({"gone": [], "x": 1})),
    ] {
        client.customer(json!({"source_id": source_id, "metadata": metadata})).await;
        world.stranger().customer(json!({"source_id": source_id, "metadata": metadata})).await;
    }
    client.customer(json!({"source_id": "e"})).await;
    let deleted = client.customer(json!({"source_id": "f", "metadata": {"gone": 1}})).await;
    client.delete("/v1/customers/f").await.expect(204);
    world.clock.set("2024-01-02T00:00:00Z".parse().unwrap());
    let answer = client.post(&path("customer"), json!({"key": "gone"})).await.expect(200);
    assert_eq!(answer.text, r#"{"message":"Updated 3 customers.","done_count":3}"#);
    let metadata = |text: &str| {
        text.split_once(r#""metadata":"#).map(|(_, rest)| rest.split_once(r#","system_"#).unwrap().0.to_owned())
    };
    for (source_id, expected) in [
        ("a", Some("{\"z\\\"\\\\\\u0001\":\"a \\\"b\\\" \u{7f}ü\",\"a\":{\"gone\":2,\"b\":[1,null,1.5]},\"b\":null}")),
        ("b", Some("{}")),
        ("c", Some(r#"{"kept":"x"}"#)),
        ("d", Some(r#"{"x":1}"#)),
        ("e", None),
    ] {
        let customer = client.get(&format!("/v1/customers/{source_id}")).await.expect(200);
        assert_eq!(metadata(&customer.text).as_deref(), expected);
        assert_eq!(customer.json()["updated_at"], Value::Null, "nobody counts as updated");
    }
    let left: String = sqlx::query_scalar("SELECT metadata::text FROM customers WHERE id = $1")
        .bind(&deleted)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(left, "{}", "also of who is deleted");
    let theirs = world.stranger().get("/v1/customers/d").await.json();
    assert_eq!(theirs["metadata"], json!({"gone": [], "x": 1}));
    let schema = client.get("/v1/metadata-schemas/customer").await.json();
    assert_eq!(schema["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["kept"]);
    assert_eq!(schema["updated_at"], "2024-01-02T00:00:00.000Z");
    client.post(&path("customer"), json!({"key": "gone"})).await.expect(400);
}

#[tokio::test]
async fn a_removed_key_is_purged_from_every_order() {
    let world = World::new().await;
    let client = world.client();
    let id = create(&client, "order").await;
    for metadata in [json!({"gone": 1, "kept": "x"}), json!({"gone": 2}), json!({"kept": "y"})] {
        let order = json!({"amount": 1, "metadata": metadata});
        client.post("/v1/orders", order.clone()).await.expect(200);
        world.stranger().post("/v1/orders", order).await.expect(200);
    }
    client.customer(json!({"source_id": "a", "metadata": {"gone": 1}})).await;
    let answer = client.post(&path(&id), json!({"key": "gone"})).await.expect(200);
    assert_eq!(answer.text, r#"{"message":"Updated 2 orders.","done_count":2}"#);
    let metadata = |orders: &Value| -> Vec<Value> {
        orders["orders"].as_array().unwrap().iter().rev().map(|order| order["metadata"].clone()).collect()
    };
    let ours = client.get("/v1/orders").await.json();
    assert_eq!(metadata(&ours), [json!({"kept": "x"}), json!({}), json!({"kept": "y"})]);
    let theirs = world.stranger().get("/v1/orders").await.json();
    assert_eq!(metadata(&theirs)[1], json!({"gone": 2}));
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"], json!({"gone": 1}));
}

#[tokio::test]
async fn only_removed_keys_of_customers_and_orders_are_purged() {
    let world = World::new().await;
    let client = world.client();
    create(&client, "customer").await;
    create(&client, "voucher").await;
    client.customer(json!({"source_id": "a", "metadata": {"kept": "x", "other": 1}})).await;
    let removed = "Property .key must be the key of a definition that was removed";
    for (resource, body, details) in [
        ("customer", json!({}), "Payload must have required property 'key'"),
        ("customer", json!({"key": 1}), "Property .key must be string"),
        ("customer", json!({"key": "k".repeat(501)}), "Property .key must NOT have more than 500 characters"),
        ("customer", json!({"key": "\0"}), "Property .key must NOT contain the character U+0000"),
        ("customer", json!({"key": "kept"}), removed),
        ("customer", json!({"key": "other"}), removed),
        ("voucher", json!({"key": "gone"}), "Only the metadata of customers and of orders can be purged"),
    ] {
        assert_eq!(client.post(&path(resource), body).await.expect(400).string("/details"), details);
    }
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"], json!({"kept": "x", "other": 1}));
    client.post(&path("order"), json!({"key": "gone"})).await.expect(404);
    let answer = world.stranger().post(&path("customer"), json!({"key": "gone"})).await.expect(404);
    assert_eq!(answer.string("/details"), "Cannot find metadata schema with id customer");
}
