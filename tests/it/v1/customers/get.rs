use serde_json::json;

use super::NOTHING_DONE;
use crate::support::World;

#[tokio::test]
async fn a_customer_is_read_by_id_and_by_source_id_with_assets() {
    let world = World::new().await;
    let client = world.client();
    let id = client.customer(json!({"source_id": "alice@morgan.com"})).await;
    for path in [
        format!("/v1/customers/{id}"),
        "/v1/customers/alice%40morgan.com".into(),
        "/v1/customers/alice@morgan.com".into(),
    ] {
        let expected = format!(
            r#"{{"id":"<cust_>","source_id":"alice@morgan.com","address":null,{NOTHING_DONE},"system_metadata":{{}},"created_at":"<time>","assets":{{"cockpit_url":"http://127.0.0.1:8682/_emulator/cockpit/{id}"}},"object":"customer"}}"#
        );
        assert_eq!(client.get(&path).await.expect(200).shape(), expected);
    }
}

#[tokio::test]
async fn odd_source_ids_are_found_percent_encoded() {
    let world = World::new().await;
    let client = world.client();
    for source_id in ["a/b", "a b", "ü+1", "100%", "?x=y", "#", "..", "cust_looksLikeAnId0000000000", "日本"] {
        client.customer(json!({"source_id": source_id})).await;
        let encoded: String =
            percent_encoding::utf8_percent_encode(source_id, percent_encoding::NON_ALPHANUMERIC).to_string();
        let answer = client.get(&format!("/v1/customers/{encoded}")).await.expect(200);
        assert_eq!(answer.string("/source_id"), source_id);
    }
}

#[tokio::test]
async fn an_id_is_tried_before_a_source_id_of_the_same_text() {
    let world = World::new().await;
    let client = world.client();
    let id = client.customer(json!({})).await;
    client.customer(json!({"source_id": id})).await;
    assert!(client.get(&format!("/v1/customers/{id}")).await.expect(200).json()["source_id"].is_null());
}

#[tokio::test]
async fn nobody_is_not_found_and_the_answer_echoes_the_decoded_identifier() {
    let world = World::new().await;
    let client = world.client();
    for (path, echoed) in [
        ("alice2%40morgan.com", "alice2@morgan.com"),
        ("cust_sehkNIi8Uq2qQuRqSr7xn4Z", "cust_sehkNIi8Uq2qQuRqSr7xn4Z"),
        ("cust_sehkNIi8Uq2qQuRqSr7xn4Zi", "cust_sehkNIi8Uq2qQuRqSr7xn4Zi"),
        ("%00", "\0"),
        ("%ff", "\u{fffd}"),
    ] {
        let error = client.get(&format!("/v1/customers/{path}")).await.expect(404).json();
        assert_eq!(error["details"], format!("Cannot find customer with id {echoed}"));
        assert_eq!((&error["resource_id"], &error["resource_type"]), (&json!(echoed), &json!("customer")));
    }
}

#[tokio::test]
async fn a_customer_of_another_project_is_not_found() {
    let world = World::new().await;
    let id = world.client().customer(json!({"source_id": "a"})).await;
    world.stranger().get(&format!("/v1/customers/{id}")).await.expect(404);
    world.stranger().get("/v1/customers/a").await.expect(404);
}
