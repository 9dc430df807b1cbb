use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject, citus};

const PATH: &str = "/v1/orders/import";

async fn summary(client: &Client, identifier: &str) -> Value {
    client.get(&format!("/v1/customers/{identifier}")).await.expect(200).json()["summary"]["orders"].clone()
}

/// Blocks the queue of the project with a job that waits for a locked customer, until the returned transaction ends.
async fn block_queue(emulator: &TestEmulator, client: &Client) -> sqlx::Transaction<'static, sqlx::Postgres> {
    client.customer(json!({"source_id": "in front"})).await;
    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM customers WHERE project_id = 1 AND source_id = 'in front' FOR UPDATE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    client.post("/v1/customers/bulk/async", json!([{"source_id": "in front", "name": "N"}])).await.expect(202);
    blocker
}

async fn erase(client: &Client, identifier: &str) {
    client.post(&format!("/v1/customers/{identifier}/permanent-deletion"), json!({})).await.expect(200);
}

#[tokio::test]
async fn orders_are_created_with_customers_and_referrers() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let answer = client
        .post(
            PATH,
            json!([
                {
                    "source_id": "o1", "status": "PAID", "created_at": "2020-01-01T00:00:00Z", "currency": "EUR",
                    "metadata": {"location": ["L1", "L2"]},
                    "customer": {"source_id": "bob", "name": "Bob", "metadata": {"lang": "en"}},
                    "referrer": {"source_id": "jane"},
                    "items": [{"source_id": "prod_1", "related_object": "product", "quantity": 2, "product": {"name": "Phone", "price": 70000}}],
                },
                {"source_id": "o2", "amount": 5, "customer": {"source_id": "bob"}, "referrer_id": null},
                {"amount": 7, "status": "FULFILLED", "customer": {"name": "No Id", "email": "no@id"}},
                {"status": "CANCELED"},
            ]),
        )
        .await
        .expect(200);
    assert_eq!(answer.shape(), r#"{"async_action_id":"<aa_>"}"#);
    let action = client.action(&answer.string("/async_action_id")).await;
    assert_eq!((&action["type"], &action["status"]), (&json!("ORDERS.IMPORT"), &json!("DONE")));
    assert!(action.get("operation_status").is_none());
    assert_eq!(
        action["result"].to_string(),
        r#"{"message":"4 order(s) imported successfully, 0 failed.","failed":[],"done_count":4,"failed_count":0}"#
    );
    let list = client.get("/v1/orders").await.expect(200);
    assert_eq!(list.column("orders", "status"), ["CANCELED", "FULFILLED", "CREATED", "PAID"]);
    assert_eq!(list.column("orders", "source_id"), ["null", "null", "o2", "o1"]);
    assert_eq!(list.json()["total"], 4);
    let order = client.get("/v1/orders/o1").await.expect(200);
    insta::assert_snapshot!(order.snapshot(), @r#"
    {
      "id": "<ord_>",
      "source_id": "o1",
      "created_at": "<time>",
      "updated_at": null,
      "status": "PAID",
      "amount": 140000,
      "total_amount": 140000,
      "items": [
        {
          "object": "order_item",
          "source_id": "prod_1",
          "related_object": "product",
          "quantity": 2,
          "amount": 140000,
          "price": 70000,
          "subtotal_amount": 140000,
          "product": {"name":"Phone","price":70000}
        }
      ],
      "metadata": {"location":["L1","L2"]},
      "customer": {"id":"<cust_>","object":"customer"},
      "referrer": {"id":"<cust_>","object":"customer"},
      "customer_id": "<cust_>",
      "referrer_id": "<cust_>",
      "object": "order"
    }
    "#);
    assert_eq!(order.string("/created_at"), "2024-03-01T10:00:00.000Z", "created_at is the time of the import");
    let bob = client.get("/v1/customers/bob").await.expect(200);
    assert_eq!((bob.string("/id"), &bob.json()["name"]), (order.string("/customer_id"), &json!("Bob")));
    assert_eq!(
        summary(&client, "bob").await,
        json!({"total_amount": 140_000, "total_count": 1, "average_amount": 140_000, "last_order_amount": 140_000, "last_order_date": "2024-03-01T10:00:00.000Z"})
    );
    assert_eq!(client.get("/v1/customers/jane").await.expect(200).string("/id"), order.string("/referrer_id"));
    assert_eq!(client.get("/v1/customers").await.json()["total"], 3);
}

#[tokio::test]
async fn known_orders_and_their_customers_are_updated() {
    let emulator = TestEmulator::at("2024-03-01T10:00:00Z").await;
    let client = emulator.client();
    let first = json!({"source_id": "o1", "amount": 10, "status": "PAID", "metadata": {"a": 1}, "customer": {"source_id": "a", "name": "A", "phone": "1"}});
    client.post("/v1/orders", first).await.expect(200);
    let second = json!({"amount": 20, "status": "PAID", "items": [{"quantity": 1}], "customer": {"source_id": "a"}});
    let second = client.post("/v1/orders", second).await.expect(200).string("/id");
    let third = json!({"source_id": "o3", "amount": 30, "status": "PAID", "customer": {"source_id": "a"}});
    client.post("/v1/orders", third).await.expect(200);
    emulator.clock.set("2024-03-02T10:00:00Z".parse().unwrap());
    let a = client.get("/v1/customers/a").await.string("/id");
    let action = client
        .done(PATH, json!([
            {"source_id": "o1", "amount": 11, "metadata": {"b": 2}, "customer": {"source_id": "a", "name": "B", "metadata": {"m": 1}}},
            {"id": second, "source_id": "ignored", "customer": {"source_id": "b"}, "referrer_id": a},
            {"source_id": "o3", "status": "CANCELED", "metadata": null},
        ]))
        .await;
    assert_eq!(action["result"]["done_count"], 3);
    let first = client.get("/v1/orders/o1").await.json();
    assert_eq!((&first["amount"], &first["status"]), (&json!(11), &json!("PAID")));
    assert_eq!(first["metadata"].to_string(), r#"{"a":1,"b":2}"#);
    assert_eq!(
        (&first["created_at"], &first["updated_at"]),
        (&json!("2024-03-01T10:00:00.000Z"), &json!("2024-03-02T10:00:00.000Z"))
    );
    let second = client.get(&format!("/v1/orders/{second}")).await.json();
    assert_eq!(
        (&second["source_id"], &second["amount"], &second["referrer_id"]),
        (&Value::Null, &json!(20), &json!(a))
    );
    assert_eq!(second["items"], json!([{"object": "order_item", "quantity": 1}]));
    let customer = client.get("/v1/customers/a").await.json();
    assert_eq!((&customer["name"], &customer["phone"]), (&json!("B"), &json!("1")));
    assert_eq!(customer["metadata"], json!({"m": 1}));
    for (source_id, count, amount) in [("a", 1, 11), ("b", 1, 20)] {
        let orders = summary(&client, source_id).await;
        assert_eq!((&orders["total_count"], &orders["total_amount"]), (&json!(count), &json!(amount)), "{source_id}");
    }
    assert_eq!(client.get("/v1/orders").await.json()["total"], 3);
}

#[tokio::test]
async fn last_order_for_source_id_wins() {
    let project = TestProject::new();
    let client = project.client();
    let action = client
        .done(PATH, json!([
            {"source_id": "o", "amount": 1, "status": "PAID", "metadata": {"a": 1}, "customer": {"source_id": "a", "name": "first"}},
            {"source_id": "p", "amount": 5, "status": "PAID", "customer": {"source_id": "a"}},
            {"source_id": "o", "amount": 2, "metadata": {"b": 2}, "customer": {"source_id": "b", "name": "B"}, "referrer": {"source_id": "a", "name": "last"}},
        ]))
        .await;
    assert_eq!(action["result"]["done_count"], 3);
    let list = client.get("/v1/orders?order=created_at").await.expect(200);
    assert_eq!(list.column("orders", "source_id"), ["o", "p"]);
    assert_eq!(list.json()["total"], 2);
    let order = client.get("/v1/orders/o").await.json();
    assert_eq!((&order["amount"], &order["status"]), (&json!(2), &json!("PAID")));
    assert_eq!(order["metadata"], json!({"a": 1, "b": 2}));
    assert_eq!(order["referrer_id"], client.get("/v1/customers/a").await.json()["id"]);
    assert_eq!(client.get("/v1/customers/a").await.string("/name"), "last");
    for (source_id, amount) in [("a", 5), ("b", 2)] {
        let orders = summary(&client, source_id).await;
        assert_eq!((&orders["total_count"], &orders["total_amount"]), (&json!(1), &json!(amount)), "{source_id}");
    }
}

#[tokio::test]
async fn import_records_only_segment_activity() {
    let project = TestProject::new();
    let client = project.client();
    let filter = json!({"junction": "and", "summary.orders.total_amount": {"conditions": {"$more_than": [99]}}});
    let segment = json!({"name": "S", "type": "auto-update", "filter": filter});
    let segment = client.post("/v1/segments", segment).await.expect(200).string("/id");
    client.customer(json!({"source_id": "a"})).await;
    client
        .done(
            PATH,
            json!([
                {"amount": 60, "status": "PAID", "customer": {"source_id": "a", "name": "A"}},
                {"amount": 60, "status": "PAID", "customer": {"source_id": "a"}},
                {"amount": 100, "status": "PAID", "customer": {"source_id": "b"}, "referrer": {"source_id": "c"}},
            ]),
        )
        .await;
    let members = client.get(&format!("/v1/customers?segment_id={segment}")).await.expect(200);
    assert_eq!(members.column("customers", "source_id"), ["b", "a"]);
    for (source_id, types) in
        [("a", &["customer.segment.entered", "customer.created"][..]), ("b", &["customer.segment.entered"]), ("c", &[])]
    {
        let activity = client.get(&format!("/v1/customers/{source_id}/activity")).await.expect(200);
        assert_eq!(activity.column("data", "type"), types, "{source_id}");
    }
}

#[tokio::test]
async fn order_summary_of_customer_is_updated_once() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    sqlx::raw_sql(
        "CREATE TABLE refreshed (id text);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO refreshed VALUES (NEW.source_id); RETURN NULL; END';
         CREATE TRIGGER note AFTER UPDATE OF orders_count ON customers FOR EACH ROW EXECUTE FUNCTION note()",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let order = |number: usize| json!({"amount": number, "status": "PAID", "customer": {"source_id": format!("c{}", number % 3)}});
    let action = client.done(PATH, (0..1_200).map(order).collect()).await;
    assert_eq!(action["result"]["done_count"], 1_200);
    let refreshed: Vec<String> =
        sqlx::query_scalar("SELECT id FROM refreshed ORDER BY id").fetch_all(&emulator.pool).await.unwrap();
    assert_eq!(refreshed, ["c0", "c1", "c2"]);
    assert_eq!(summary(&client, "c0").await["total_count"], 400);
}

#[tokio::test]
async fn rejected_orders_fail_individually_and_change_no_customer() {
    let project = TestProject::new();
    let client = project.client();
    for (resource, key) in [("customer", "age"), ("order", "rank"), ("order_item", "size")] {
        let schema = json!({"related_object": resource, "properties": {key: {"type": "number", "optional": true, "array": false}}});
        client.post("/v1/metadata-schemas", schema).await.expect(200);
    }
    client.customer(json!({"source_id": "a", "name": "A"})).await;
    let other_order = project.other_project().post("/v1/orders", json!({"amount": 1})).await.expect(200).string("/id");
    let action = client
        .done(PATH, json!([
            {"source_id": "0", "customer": {"source_id": "a", "phone": "1"}},
            {"source_id": "1", "customer": {"source_id": "a", "name": "X"}, "referrer": {"source_id": "b", "metadata": {"age": "x"}}},
            {"source_id": "2", "customer": {"source_id": "new", "name": "X"}, "referrer": {"id": "cust_unknown"}},
            {"source_id": "3", "customer": {"source_id": "a", "metadata": {"age": "y"}}, "referrer": {"source_id": "new"}},
            {"source_id": "4", "customer_id": "cust_gone"},
            {"customer": {"source_id": "a", "name": "X"}, "metadata": {"rank": "z"}},
            {"source_id": "6", "customer": {"source_id": "new"}, "items": [{}, {"metadata": {"size": true}}]},
            {"id": other_order, "customer": {"source_id": "a", "name": "X"}},
            {"id": "ord_unknown", "source_id": "8"},
            {"source_id": "9", "metadata": {"rank": 1}, "customer": {"metadata": {"age": 1}}, "referrer": {"source_id": "a", "email": "a@b"}},
        ]))
        .await;
    assert_eq!(action["status"], "DONE");
    let result = &action["result"];
    assert_eq!(result["message"], "2 order(s) imported successfully, 8 failed.");
    assert_eq!((&result["done_count"], &result["failed_count"]), (&json!(2), &json!(8)));
    let number = |key: &str, actual: &str| format!("{key}: must be a number (actual value is {actual})");
    let expected = json!([
        {"source_id": "1", "reason": number("age", "'x'")},
        {"source_id": "2", "reason": "Cannot find customer with id cust_unknown"},
        {"source_id": "3", "reason": number("age", "'y'")},
        {"source_id": "4", "reason": "Cannot find customer with id cust_gone"},
        {"source_id": null, "reason": number("rank", "'z'")},
        {"source_id": "6", "reason": number("size", "'true'")},
        {"source_id": null, "reason": format!("Cannot find order with id {other_order}")},
        {"source_id": "8", "reason": "Cannot find order with id ord_unknown"},
    ]);
    assert_eq!(result["failed"].to_string(), expected.to_string());
    let a = client.get("/v1/customers/a").await.json();
    assert_eq!((&a["name"], &a["phone"], &a["email"]), (&json!("A"), &json!("1"), &json!("a@b")));
    let list = client.get("/v1/customers").await.expect(200);
    assert_eq!(list.column("customers", "source_id"), ["null", "a"], "failed orders create no customers");
    assert_eq!(list.json()["total"], 2);
    assert_eq!(client.get("/v1/orders").await.expect(200).column("orders", "source_id"), ["9", "0"]);
}

#[tokio::test]
async fn order_with_oversized_merged_metadata_fails_individually() {
    let project = TestProject::new();
    let client = project.client();
    let half = "x".repeat(700_000);
    let action = client
        .done(PATH, json!([
            {"source_id": "o", "metadata": {"a": half}}, {"source_id": "o", "metadata": {"b": half}, "amount": 5}, {"source_id": "p"},
        ]))
        .await;
    assert_eq!(
        action["result"]["failed"],
        json!([{"source_id": "o", "reason": "Property .metadata must NOT be larger than 1048576 bytes"}])
    );
    let order = client.get("/v1/orders/o").await.json();
    assert_eq!((&order["amount"], order["metadata"].as_object().unwrap().len()), (&json!(0), 1));
    client.get("/v1/orders/p").await.expect(200);
}

#[tokio::test]
async fn order_rejected_by_database_fails_individually() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
         CREATE TRIGGER refuse BEFORE INSERT ON orders FOR EACH ROW WHEN (NEW.amount = 7) EXECUTE FUNCTION refuse()",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let order = |number: usize| json!({"amount": number, "status": "PAID", "customer": {"source_id": "a"}});
    let action = client.done(PATH, (0..20).map(order).collect()).await;
    assert_eq!(
        action["result"].to_string(),
        r#"{"message":"19 order(s) imported successfully, 1 failed.","failed":[{"source_id":null,"reason":"Internal error"}],"done_count":19,"failed_count":1}"#
    );
    assert_eq!(summary(&client, "a").await["total_amount"], 183);
    assert_eq!(client.get("/v1/orders").await.json()["total"], 19);
}

#[tokio::test]
async fn invalid_body_is_rejected_and_creates_no_job() {
    let project = TestProject::new();
    let client = project.client();
    let many: Vec<_> = (0..501).map(|_| json!({})).collect();
    for (body, details) in [
        (json!([]), "Payload must NOT have fewer than 1 items"),
        (json!({}), "Payload must be array"),
        (json!([{}, 1]), "Property [1] must be object"),
        (json!([{}, {"amount": "1"}]), "Property .amount must be integer"),
        (json!([{"source_id": 1.5}]), "Property .source_id must be string"),
        (json!([{"id": "x".repeat(501)}]), "Property .id must NOT have more than 500 characters"),
        (json!([{"items": [{"price": 0.5}]}]), "Property .items[0].price must be integer"),
        (json!([{"items": [{"initial_quantity": 0}]}]), "Property .items[0].initial_quantity cannot be lower than 1"),
        (
            json!([{}, {"items": [{}, {"initial_quantity": -1}]}]),
            "Property .items[1].initial_quantity cannot be lower than 1",
        ),
        (json!([{"items": [{"initial_quantity": "1"}]}]), "Property .items[0].initial_quantity must be integer"),
        (json!([{"items": many}]), "Property .items must NOT have more than 500 items"),
        (json!([{"created_at": "now"}]), "Property .created_at cannot be recognized as a ISO-8601 compliant date"),
        (json!([{"referrer": {"metadata": 1}}]), "Property .referrer.metadata must be object"),
        (
            json!([{"status": "NEW"}]),
            "Property .status must be equal to one of the allowed values [ CREATED, PAID, CANCELED, FULFILLED ]",
        ),
        ((0..2_001).map(|_| json!({})).collect(), "Payload must NOT have more than 2000 items"),
    ] {
        let error = client.post(PATH, body).await.expect(400);
        assert_eq!(
            (error.string("/key"), error.string("/details")),
            ("invalid_payload".to_owned(), details.to_owned())
        );
    }
    let malformed = client.call(Method::POST, PATH, Some("[{]".to_owned())).await.expect(400);
    assert_eq!(malformed.string("/message"), "Invalid request payload JSON format");
    let large = format!("[{{\"metadata\":{{\"a\":\"{}\"}}}}]", "x".repeat(10_485_760));
    let error = client.call(Method::POST, PATH, Some(large)).await.expect(413);
    assert_eq!(
        error.text,
        r#"{"statusCode":413,"error":"Request Entity Too Large","message":"Payload content length greater than maximum allowed: 10485760"}"#
    );
    client.call_with(Method::POST, PATH, "[]".into(), &[("content-type", "text/plain")]).await.expect(415);
    client.delete(PATH).await.expect(405);
    assert_eq!(client.get("/v1/async-actions").await.json()["async_actions"], json!([]));
}

#[tokio::test]
async fn two_thousand_orders_in_10_mib_are_imported() {
    let project = TestProject::new();
    let client = project.client();
    let note = "x".repeat(4_900);
    let order = |number: usize| {
        let customer = json!({"source_id": format!("c{}", number % 500)});
        json!({"source_id": format!("o{number}"), "amount": 1, "status": "PAID", "customer": customer, "metadata": {"note": note}})
    };
    let body: Value = (0..2_000).map(order).collect();
    let action = client.done(PATH, body.clone()).await;
    assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(2_000), &json!(0)));
    let list = client.get("/v1/orders?limit=100&order=created_at&page=2").await.expect(200);
    let expected: Vec<_> = (100..200).map(|number| format!("o{number}")).collect();
    assert_eq!(list.column("orders", "source_id"), expected);
    assert_eq!(client.get("/v1/customers").await.json()["total"], 500);
    // The second import updates the existing orders.
    client.done(PATH, body).await;
    assert_eq!(client.get("/v1/orders").await.json()["total"], 2_000);
    assert_eq!(summary(&client, "c499").await["total_count"], 4);
}

#[tokio::test]
async fn import_does_not_change_orders_of_other_project() {
    let project = TestProject::new();
    let (client, other_client) = (project.client(), project.other_project());
    let order = json!({"source_id": "o", "amount": 1, "status": "PAID", "customer": {"source_id": "a", "name": "A"}});
    client.post("/v1/orders", order).await.expect(200);
    let customer = client.get("/v1/customers/a").await.string("/id");
    let action = other_client
        .done(
            PATH,
            json!([
                {"source_id": "o", "amount": 2, "status": "PAID", "customer": {"source_id": "a", "name": "B"}},
                {"source_id": "p", "customer_id": customer},
            ]),
        )
        .await;
    assert_eq!(action["result"]["failed_count"], 1, "{action}");
    assert_eq!(client.get("/v1/orders/o").await.json()["amount"], 1);
    assert_eq!(client.get("/v1/customers/a").await.string("/name"), "A");
    assert_eq!(summary(&client, "a").await["total_amount"], 1);
    assert_eq!(summary(&other_client, "a").await["total_amount"], 2);
}

#[tokio::test]
async fn customer_erased_while_import_is_queued_is_not_imported() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let mut ids = Vec::new();
    for source_id in ["erased", "erased by id", "kept"] {
        ids.push(client.customer(json!({"source_id": source_id})).await);
    }
    let blocker = block_queue(&emulator, &client).await;
    let answer = client
        .post(PATH, json!([
            {"source_id": "1", "customer": {"source_id": "erased", "name": "needle"}},
            {"source_id": "2", "customer": {"id": ids[1], "name": "needle"}},
            {"source_id": "3", "amount": 3, "customer": {"source_id": "kept", "name": "S"}, "referrer": {"source_id": "erased", "name": "needle"}},
            {"source_id": "4", "amount": 4, "referrer_id": ids[1], "customer": {"source_id": "kept"}},
            {"source_id": "5", "amount": 5, "customer": {"source_id": "kept"}, "referrer": {"source_id": "other"}},
            {"source_id": "6", "customer": {"source_id": "erased"}, "referrer": {"source_id": "erased", "name": "needle"}},
        ]))
        .await
        .expect(200);
    erase(&client, "erased").await;
    erase(&client, &ids[1]).await;
    blocker.rollback().await.unwrap();
    let action = client.action(&answer.string("/async_action_id")).await;
    assert_eq!(
        action["result"].to_string(),
        r#"{"message":"3 order(s) imported successfully, 0 failed.","failed":[],"done_count":3,"failed_count":0}"#
    );
    let list = client.get("/v1/orders?order=created_at").await.expect(200);
    assert_eq!(list.column("orders", "source_id"), ["3", "4", "5"]);
    let referrers: Vec<bool> =
        list.json()["orders"].as_array().unwrap().iter().map(|o| o["referrer_id"].is_null()).collect();
    assert_eq!(referrers, [true, true, false], "the erased referrer is removed");
    assert_eq!(client.get("/v1/customers/kept").await.string("/name"), "S");
    let mut customers = client.get("/v1/customers").await.expect(200).column("customers", "source_id");
    customers.sort();
    assert_eq!(customers, ["in front", "kept", "other"]);
}

#[tokio::test]
async fn erasure_removes_failures_that_name_the_customer() {
    let project = TestProject::new();
    let client = project.client();
    let schema = json!({"related_object": "customer", "properties": {"n": {"type": "number", "optional": true, "array": false}}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    for source_id in ["a", "b", "c"] {
        client.customer(json!({"source_id": source_id})).await;
    }
    let wrong = |source_id: &str| json!({"source_id": source_id, "metadata": {"n": source_id}});
    let action = client
        .done(
            PATH,
            json!([
                {"source_id": "1", "customer": wrong("a")},
                {"source_id": "2", "customer": {"source_id": "c"}, "referrer": wrong("a")},
                {"source_id": "3", "customer": {"source_id": "a"}, "referrer": wrong("c")},
                {"source_id": "4", "customer": wrong("b"), "referrer": {"source_id": "a"}},
                {"source_id": "5", "customer": wrong("b"), "referrer": {"source_id": "c"}},
                {"source_id": "6", "customer": wrong("later")},
            ]),
        )
        .await;
    assert_eq!(action["result"]["failed_count"], 6);
    let failed = async || {
        let path = format!("/v1/async-actions/{}", action["id"].as_str().unwrap());
        let failed = client.get(&path).await.expect(200).json()["result"]["failed"].clone();
        failed.as_array().unwrap().iter().map(|line| line["source_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    erase(&client, "a").await;
    assert_eq!(failed().await, ["5", "6"]);
    client.customer(json!({"source_id": "later"})).await;
    erase(&client, "later").await;
    assert_eq!(failed().await, ["5"], "failures also name customers that were created later");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_imports_and_updates_keep_summaries_correct() {
    let project = TestProject::new();
    let client = project.client();
    let order = |number: usize, customer: &str| json!({"source_id": format!("o{number}"), "amount": 10, "status": "PAID", "customer": {"source_id": customer}, "referrer": {"source_id": "r"}});
    for round in 0..5 {
        let mut calls = Vec::new();
        for number in 0..12 {
            let (client, order) = (client.clone(), order(number, ["a", "b", "c"][(round + number) % 3]));
            calls.push(tokio::spawn(async move {
                if number % 4 == 0 {
                    client
                        .post(PATH, json!([order, {"source_id": "o11", "customer": {"source_id": "d"}}]))
                        .await
                        .expect(200);
                } else {
                    client.post("/v1/orders", order).await.expect(200);
                }
            }));
        }
        for call in calls {
            call.await.unwrap();
        }
    }
    client.get("/_emulator/idle").await.expect(200);
    let list = client.get("/v1/orders?limit=100").await.expect(200).json();
    assert_eq!((&list["total"], list["orders"].as_array().unwrap().len()), (&json!(12), 12));
    for name in ["a", "b", "c", "d"] {
        let customer = client.get(&format!("/v1/customers/{name}")).await.expect(200).json();
        let own = list["orders"].as_array().unwrap().iter();
        let own = own.filter(|order| order["customer_id"] == customer["id"] && order["status"] == "PAID").count();
        assert_eq!(customer["summary"]["orders"]["total_count"], own, "{name}");
    }
    let actions = client.get("/v1/async-actions?limit=100").await.json();
    for action in actions["async_actions"].as_array().unwrap() {
        let action = client.action(action["id"].as_str().unwrap()).await;
        assert_eq!(action["result"]["done_count"], 2, "{action}");
    }
}

#[tokio::test]
async fn order_deleted_by_erasure_is_not_recreated_by_queued_import() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "erased"})).await;
    client.customer(json!({"source_id": "kept"})).await;
    for (source_id, customer) in [("1", "erased"), ("2", "erased"), ("3", "kept")] {
        client
            .post("/v1/orders", json!({"source_id": source_id, "customer": {"source_id": customer}}))
            .await
            .expect(200);
    }
    let blocker = block_queue(&emulator, &client).await;
    let answer = client
        .post(
            PATH,
            json!([
                {"source_id": "1", "metadata": {"note": "needle"}},
                {"source_id": "2", "customer": {"source_id": "kept"}},
                {"source_id": "3", "amount": 3},
                {"source_id": "4", "amount": 4},
            ]),
        )
        .await
        .expect(200);
    erase(&client, "erased").await;
    blocker.rollback().await.unwrap();
    assert_eq!(client.action(&answer.string("/async_action_id")).await["result"]["done_count"], 3);
    let mut orders = client.get("/v1/orders").await.expect(200).column("orders", "source_id");
    orders.sort();
    assert_eq!(orders, ["2", "3", "4"], "the second order was assigned to another customer");
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
}

#[tokio::test]
async fn erasure_removes_failures_of_the_customers_orders() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let schema =
        json!({"related_object": "order", "properties": {"n": {"type": "number", "optional": true, "array": false}}});
    client.post("/v1/metadata-schemas", schema).await.expect(200);
    let order = json!({"source_id": "1", "customer": {"source_id": "ben"}, "referrer": {"source_id": "ann"}});
    client.post("/v1/orders", order).await.expect(200);
    let wrong = json!([{"source_id": "1", "metadata": {"n": "needle"}}, {"source_id": "2", "metadata": {"n": "x"}}]);
    let action = client.done(PATH, wrong).await;
    assert_eq!(action["result"]["failed_count"], 2);
    erase(&client, "ben").await;
    assert_eq!(emulator.tables_with("needle").await, Vec::<String>::new());
    let failed = client.action(action["id"].as_str().unwrap()).await["result"]["failed"].clone();
    assert_eq!((failed.as_array().unwrap().len(), &failed[0]["source_id"]), (1, &json!("2")));
}
