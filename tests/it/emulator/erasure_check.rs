use axum::http::Method;
use serde_json::{Value, json};

use super::world;
use crate::support::{Client, Receiver, TestEmulator, TestProject};

const PATH: &str = "/_emulator/erasure-check";

async fn check(client: &Client, values: &[&str]) -> Value {
    client.post(PATH, json!({"values": values})).await.expect(200).json()
}

/// Returns the places in the database where a value was found, as `table.column rows`.
fn places(check: &Value) -> Vec<String> {
    let found = check["found"].as_array().unwrap();
    assert_eq!(check["clean"], found.is_empty());
    let place = |found: &Value| {
        let text = |member: &str| found[member].as_str().unwrap().to_owned();
        format!("{}.{} {}", text("table"), text("column"), found["rows"])
    };
    found.iter().filter(|found| found["table"] != "request_log").map(place).collect()
}

#[tokio::test]
async fn a_check_names_the_columns_and_counts_the_rows() {
    let project = TestProject::new();
    let client = project.client();
    let empty = check(&client, &["unknown"]).await;
    assert_eq!(
        (&empty["object"], &empty["clean"], &empty["found"]),
        (&json!("erasure_check"), &json!(true), &json!([]))
    );
    let tables = empty["tables"].as_i64().unwrap();
    assert!(tables > 20, "{tables}");
    client.customer(json!({"source_id": "anna", "email": "anna@x.example", "metadata": {"note": "blue hat"}})).await;
    client.customer(json!({"source_id": "ben@x.example", "metadata": {"note": "blue hat"}})).await;
    client.post("/v1/orders", json!({"source_id": "o", "metadata": {"gift for": "anna"}})).await.expect(200);
    let found = check(&client, &["blue hat"]).await;
    assert_eq!(places(&found), ["customer_activity.data 2", "customers.metadata 2"]);
    assert_eq!(found["tables"], tables);
    assert!(found["rows"].as_i64().unwrap() >= 6, "{found}");
    let found = check(&client, &["anna", "ben@"]).await;
    let expected = [
        "customer_activity.data 2",
        "customers.email 1",
        "customers.profile 1",
        "customers.source_id 2",
        "orders.metadata 1",
    ];
    assert_eq!(places(&found), expected);
}

#[tokio::test]
async fn values_are_found_as_json_escapes_them() {
    let project = TestProject::new();
    let client = project.client();
    let note = "a \"b\" \\ c\n/é\u{1f600}\u{1}";
    client.customer(json!({"source_id": "s", "metadata": {"note": note}})).await;
    for value in [note, "\"b\" \\ c", "c\n/é", "/é\u{1f600}\u{1}"] {
        let found = places(&check(&client, &[value]).await);
        assert_eq!(found, ["customer_activity.data 1", "customers.metadata 1"], "{value}");
    }
    assert_eq!(places(&check(&client, &["\"B\" \\"]).await), Vec::<String>::new(), "upper and lower case differ");
}

#[tokio::test]
async fn a_check_after_a_permanent_deletion_finds_nothing_but_the_record() {
    let (project, receiver) = (TestProject::new(), Receiver::start().await);
    let client = project.client();
    world::fill(&project, &receiver).await;
    let id = client.get("/v1/customers/alice").await.expect(200).string("/id");
    let values = ["alice@morgan.com", "Grüße \"x\""];
    assert_eq!(check(&client, &values).await["clean"], false);
    client.call(Method::POST, "/v1/customers/alice/permanent-deletion", None).await.expect(200);
    let after = check(&client, &values).await;
    assert_eq!(after["clean"], true, "{after}");
    // The id stays in the record of the deletion, as at the vendor.
    assert_eq!(places(&check(&client, &[&id]).await), ["permanent_deletions.erased_customer_id 1"]);
}

#[tokio::test]
async fn the_request_log_is_searched_and_loses_what_an_erasure_and_a_reset_remove() {
    let project = TestProject::new();
    let client = project.client();
    let in_log = async |value: &str| {
        let check = check(&client, &[value]).await;
        let found = check["found"].as_array().unwrap().iter().find(|found| found["table"] == "request_log").cloned();
        found.map(|found| (found["column"].clone(), found["rows"].clone()))
    };
    client.customer(json!({"source_id": "alice", "email": "alice@morgan.com"})).await;
    client.get("/v1/customers?email=alice%40morgan.com").await.expect(200);
    client.get("/v1/customers?name=Alicia").await.expect(200);
    assert_eq!(in_log("alice@morgan.com").await, Some((json!("requests"), json!(2))));
    client.call(Method::POST, "/v1/customers/alice/permanent-deletion", None).await.expect(200);
    assert_eq!(in_log("alice@morgan.com").await, None);
    assert_eq!(in_log("Alicia").await, Some((json!("requests"), json!(1))));
    client.post("/_emulator/reset", json!({})).await.expect(200);
    assert_eq!(in_log("Alicia").await, None);
}

#[tokio::test]
async fn a_snapshot_that_still_has_an_erased_customer_is_named() {
    let project = TestProject::new();
    let client = project.client();
    client.customer(json!({"source_id": "alice", "email": "alice@morgan.com"})).await;
    let before = client.get("/v1/customers/alice").await.expect(200).text;
    client.put("/_emulator/snapshots/fixtures", json!({})).await.expect(200);
    client.put("/_emulator/snapshots/second", json!({})).await.expect(200);
    client.call(Method::POST, "/v1/customers/alice/permanent-deletion", None).await.expect(200);
    client.get("/v1/customers/alice").await.expect(404);
    let found = places(&check(&client, &["alice@morgan.com"]).await);
    let expected = |name: &str| {
        ["customer_activity.data", "customers.email", "customers.profile"].map(|at| format!("snapshot:{name}.{at} 1"))
    };
    assert_eq!(found, [expected("fixtures"), expected("second")].concat());
    client.delete("/_emulator/snapshots/second").await.expect(204);
    assert_eq!(places(&check(&client, &["alice@morgan.com"]).await), expected("fixtures"));
    client.post("/_emulator/snapshots/fixtures/restore", json!({})).await.expect(200);
    assert_eq!(client.get("/v1/customers/alice").await.expect(200).text, before);
    client.call(Method::POST, "/v1/customers/alice/permanent-deletion", None).await.expect(200);
    client.put("/_emulator/snapshots/fixtures", json!({})).await.expect(200);
    assert_eq!(check(&client, &["alice@morgan.com"]).await["clean"], true);
}

#[tokio::test]
async fn other_projects_are_not_searched() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "alice@morgan.com"})).await;
    let other = project.other_project();
    other.customer(json!({"source_id": "b"})).await;
    let found = check(&other, &["alice@morgan.com"]).await;
    assert_eq!(found["clean"], true, "{found}");
    assert!(found["rows"].as_i64().unwrap() < 10, "{found}");
    assert_eq!(check(&project.client(), &["alice@morgan.com"]).await["clean"], false);
}

#[tokio::test]
async fn invalid_values_are_refused() {
    let project = TestProject::new();
    for (body, details) in [
        (json!({}), "Payload must have required property 'values'"),
        (json!({"values": "alice"}), "Property .values must be array"),
        (json!({"values": []}), "Property .values must NOT have fewer than 1 items"),
        (json!({"values": vec!["alice"; 101]}), "Property .values must NOT have more than 100 items"),
        (json!({"values": ["alice", "bob"]}), "Property .values[1] must NOT have fewer than 4 characters"),
        (json!({"values": ["x".repeat(501)]}), "Property .values[0] must NOT have more than 500 characters"),
        (json!({"values": [1234]}), "Property .values[0] must be string"),
        (json!({"values": ["alice"], "tables": []}), "Property .tables is unknown"),
    ] {
        let refused = project.client().post(PATH, body).await.expect(400);
        assert_eq!(
            (refused.string("/key").as_str(), refused.string("/details").as_str()),
            ("invalid_payload", details)
        );
    }
    let longest: Vec<_> = (0..100).map(|number| format!("{number:0>500}")).collect();
    project.client().post(PATH, json!({"values": longest})).await.expect(200);
}

#[tokio::test]
async fn every_column_with_text_is_searched() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    // A table and columns that a later version may add.
    sqlx::raw_sql(
        "CREATE TABLE later (project_id bigint PRIMARY KEY, a text, b json, c jsonb, d text[], e varchar(40), f bigint);
         INSERT INTO later SELECT id, 'needle', '{\"a\": \"needle\"}', '{\"a\": \"needle\"}', ARRAY[NULL, 'a needle'], 'needle', 1
         FROM projects",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let found = places(&check(&client, &["needle"]).await);
    assert_eq!(found, ["later.a 1", "later.b 1", "later.c 1", "later.d 1", "later.e 1"]);
    sqlx::raw_sql("DROP TABLE later").execute(&emulator.pool).await.unwrap();
    // Secrets are searched, but the answer does not show them.
    let token: String =
        sqlx::query_scalar("SELECT webhook_token FROM projects").fetch_one(&emulator.pool).await.unwrap();
    let answer = client.post(PATH, json!({"values": [token]})).await.expect(200);
    assert_eq!(places(&answer.json()), ["projects.webhook_token 1"]);
    assert!(!answer.text.contains(&token));
}
