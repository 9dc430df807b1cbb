use serde_json::{Value, json};

use crate::support::{Client, TestEmulator, TestProject, citus};

/// Creates the schema of `resource` with the removed definition `gone` and the definition `kept`.
async fn create(client: &Client, resource: &str) -> String {
    let body = json!({"related_object": resource, "properties": {
        "gone": {"type": "string", "optional": true, "array": false, "deleted": true},
        "kept": {"type": "string", "optional": true, "array": false},
    }});
    client.post("/v1/metadata-schemas", body).await.expect(200).string("/id")
}

fn purge_path(resource: &str) -> String {
    format!("/_emulator/metadata-schemas/{resource}/purge")
}

#[tokio::test]
async fn a_purge_removes_the_key_from_every_customer_and_its_definition_from_the_schema() {
    let emulator = TestEmulator::at("2024-01-01T00:00:00Z").await;
    let client = emulator.client();
    create(&client, "customer").await;
    for (source_id, metadata) in [
        ("a", json!({"z\"\\\u{1}": "a \"b\" \u{7f}ü", "gone": 1, "a": {"gone": 2, "b": [1, null, 1.5]}, "b": null})),
        ("b", json!({"gone": null})),
        ("c", json!({"kept": "x"})),
        ("d", json!({"gone": [], "x": 1})),
    ] {
        client.customer(json!({"source_id": source_id, "metadata": metadata})).await;
        emulator.other_project().customer(json!({"source_id": source_id, "metadata": metadata})).await;
    }
    client.customer(json!({"source_id": "e"})).await;
    let deleted = client.customer(json!({"source_id": "f", "metadata": {"gone": 1}})).await;
    client.delete("/v1/customers/f").await.expect(204);
    emulator.clock.set("2024-01-02T00:00:00Z".parse().unwrap());
    let answer = client.post(&purge_path("customer"), json!({"key": "gone"})).await.expect(202);
    assert_eq!(answer.shape(), r#"{"async_action_id":"<aa_>"}"#);
    let action = client.action(&answer.string("/async_action_id")).await;
    assert_eq!((&action["type"], &action["status"]), (&json!("CUSTOMERS.METADATA_KEY_PURGE"), &json!("DONE")));
    assert_eq!(action["result"].to_string(), r#"{"message":"Updated 3 customers.","done_count":3}"#);
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
        assert_eq!(customer.json()["updated_at"], Value::Null, "a purge does not set updated_at");
    }
    let metadata: String = sqlx::query_scalar("SELECT metadata::text FROM customers WHERE id = $1")
        .bind(&deleted)
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    assert_eq!(metadata, "{}", "the key is purged from deleted customers too");
    let theirs = emulator.other_project().get("/v1/customers/d").await.json();
    assert_eq!(theirs["metadata"], json!({"gone": [], "x": 1}));
    let schema = client.get("/v1/metadata-schemas/customer").await.json();
    assert_eq!(schema["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["kept"]);
    assert_eq!(schema["updated_at"], "2024-01-02T00:00:00.000Z");
    client.post(&purge_path("customer"), json!({"key": "gone"})).await.expect(400);
}

#[tokio::test]
async fn a_purge_removes_the_key_from_every_order() {
    let project = TestProject::new();
    let client = project.client();
    let id = create(&client, "order").await;
    for metadata in [json!({"gone": 1, "kept": "x"}), json!({"gone": 2}), json!({"kept": "y"})] {
        let order = json!({"amount": 1, "metadata": metadata});
        client.post("/v1/orders", order.clone()).await.expect(200);
        project.other_project().post("/v1/orders", order).await.expect(200);
    }
    client.customer(json!({"source_id": "a", "metadata": {"gone": 1}})).await;
    let action = client.done(&purge_path(&id), json!({"key": "gone"})).await;
    assert_eq!((&action["type"], &action["status"]), (&json!("ORDERS.METADATA_KEY_PURGE"), &json!("DONE")));
    assert_eq!(action["result"].to_string(), r#"{"message":"Updated 2 orders.","done_count":2}"#);
    let metadata = |orders: &Value| -> Vec<Value> {
        orders["orders"].as_array().unwrap().iter().rev().map(|order| order["metadata"].clone()).collect()
    };
    let ours = client.get("/v1/orders").await.json();
    assert_eq!(metadata(&ours), [json!({"kept": "x"}), json!({}), json!({"kept": "y"})]);
    let theirs = project.other_project().get("/v1/orders").await.json();
    assert_eq!(metadata(&theirs)[1], json!({"gone": 2}));
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"], json!({"gone": 1}));
}

#[tokio::test]
async fn only_removed_keys_of_customers_and_orders_can_be_purged() {
    let project = TestProject::new();
    let client = project.client();
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
        assert_eq!(client.post(&purge_path(resource), body).await.expect(400).string("/details"), details);
    }
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"], json!({"kept": "x", "other": 1}));
    client.post(&purge_path("order"), json!({"key": "gone"})).await.expect(404);
    let answer = project.other_project().post(&purge_path("customer"), json!({"key": "gone"})).await.expect(404);
    assert_eq!(answer.string("/details"), "Cannot find metadata schema with id customer");
    assert_eq!(client.get("/v1/async-actions").await.json()["async_actions"], json!([]));
}

/// Blocks the jobs of the default project with a first job of an unknown type, until the test deletes that job.
async fn block_jobs(emulator: &TestEmulator) {
    sqlx::query(
        "INSERT INTO jobs (project_id, id, type, app_id, request_id, token, records, created_at, updated_at)
         SELECT DISTINCT project_id, 'aa_in_front', 'TEST.UNKNOWN', 'x', 'x', '1.x', 1, now(), now() FROM metadata_schemas",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
}

#[tokio::test]
async fn a_key_that_is_restored_before_its_purge_runs_is_kept() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for resource in ["customer", "order"] {
        create(&client, resource).await;
    }
    client.customer(json!({"source_id": "a", "metadata": {"gone": "x"}})).await;
    client.post("/v1/orders", json!({"source_id": "o", "amount": 1, "metadata": {"gone": "x"}})).await.expect(200);
    block_jobs(&emulator).await;
    let mut ids = Vec::new();
    for resource in ["customer", "order"] {
        let answer = client.post(&purge_path(resource), json!({"key": "gone"})).await.expect(202);
        ids.push(answer.string("/async_action_id"));
    }
    let restored = json!({"properties": {"gone": {"type": "string", "optional": true, "array": false}}});
    client.put("/v1/metadata-schemas/customer", restored).await.expect(200);
    client.delete("/v1/metadata-schemas/order").await.expect(204);
    sqlx::query("DELETE FROM jobs WHERE type = 'TEST.UNKNOWN'").execute(&emulator.pool).await.unwrap();
    for (id, resource) in ids.iter().zip(["customer", "order"]) {
        let action = client.action(id).await;
        assert_eq!(action["result"], json!({"message": format!("Updated 0 {resource}s."), "done_count": 0}));
    }
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"], json!({"gone": "x"}));
    assert_eq!(client.get("/v1/orders/o").await.json()["metadata"], json!({"gone": "x"}));
}

#[tokio::test]
async fn the_second_of_two_purges_of_one_key_changes_nothing() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    create(&client, "customer").await;
    client.customer(json!({"source_id": "a", "metadata": {"gone": "x"}})).await;
    block_jobs(&emulator).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let answer = client.post(&purge_path("customer"), json!({"key": "gone"})).await.expect(202);
        ids.push(answer.string("/async_action_id"));
    }
    sqlx::query("DELETE FROM jobs WHERE type = 'TEST.UNKNOWN'").execute(&emulator.pool).await.unwrap();
    for (id, count) in ids.iter().zip([1, 0]) {
        assert_eq!(client.action(id).await["result"]["done_count"], count);
    }
}

#[tokio::test]
async fn a_purge_fails_after_three_attempts_and_changes_nothing_when_the_database_rejects_it() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    create(&client, "customer").await;
    client.customer(json!({"source_id": "a", "metadata": {"gone": "x"}})).await;
    client.customer(json!({"source_id": "b", "metadata": {"gone": "x"}})).await;
    sqlx::raw_sql(
        "CREATE SEQUENCE tried;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM nextval(''tried''); RAISE EXCEPTION ''no''; END';
         CREATE TRIGGER refuse BEFORE UPDATE ON customers FOR EACH ROW WHEN (NEW.source_id = 'b') EXECUTE FUNCTION refuse()",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let action = client.done(&purge_path("customer"), json!({"key": "gone"})).await;
    assert_eq!((&action["status"], &action["result"]), (&json!("FAILED"), &Value::Null));
    assert!(action.get("operation_status").is_none());
    let tried: i64 = sqlx::query_scalar("SELECT last_value FROM tried").fetch_one(&emulator.pool).await.unwrap();
    assert_eq!(tried, 3);
    assert_eq!(client.get("/v1/customers/a").await.json()["metadata"], json!({"gone": "x"}));
    sqlx::raw_sql("DROP TRIGGER refuse ON customers").execute(&emulator.pool).await.unwrap();
    let action = client.done(&purge_path("customer"), json!({"key": "gone"})).await;
    assert_eq!(action["result"]["done_count"], 2, "the purge can be requested again");
}

#[tokio::test]
async fn a_purge_has_no_statement_timeout() {
    if citus::skips_triggers() {
        return;
    }
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    create(&client, "customer").await;
    client.customer(json!({"source_id": "a", "metadata": {"gone": "x"}})).await;
    sqlx::raw_sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''there is a limit''; END';
         CREATE TRIGGER refuse BEFORE UPDATE ON customers FOR EACH ROW
             WHEN (current_setting('statement_timeout') <> '0') EXECUTE FUNCTION refuse()",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(client.done(&purge_path("customer"), json!({"key": "gone"})).await["result"]["done_count"], 1);
    client.put("/v1/customers/a", json!({"name": "A"})).await.expect(500);
}

#[tokio::test]
async fn a_purge_that_waits_for_a_lock_does_not_delay_jobs_of_other_projects() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    create(&client, "customer").await;
    let mut writer = emulator.pool.begin().await.unwrap();
    let project: i64 =
        sqlx::query_scalar("SELECT project_id FROM metadata_schemas").fetch_one(&mut *writer).await.unwrap();
    sqlx::query("SELECT lock_rules_shared($1)").bind(project).execute(&mut *writer).await.unwrap();
    let answer = client.post(&purge_path("customer"), json!({"key": "gone"})).await.expect(202);
    for _ in 0..3 {
        emulator.other_project().done("/v1/customers/bulk/async", json!([{"source_id": "a"}])).await;
    }
    let waiting = client.get(&format!("/v1/async-actions/{}", answer.string("/async_action_id"))).await.json();
    assert_eq!((&waiting["status"], &waiting["progress"]), (&json!("IN_PROGRESS"), &json!(0)));
    writer.rollback().await.unwrap();
    assert_eq!(client.action(&answer.string("/async_action_id")).await["status"], "DONE");
}
