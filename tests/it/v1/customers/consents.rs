use serde_json::json;

use crate::support::TestEmulator;

async fn entries(emulator: &TestEmulator) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT type, (SELECT string_agg(consent ->> 'id', ' ') FROM json_array_elements(data::json -> 'consents') consent)
         FROM customer_activity WHERE type LIKE 'customer.consents.%' ORDER BY id",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap()
}

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|&(kind, ids)| (kind.to_owned(), ids.to_owned())).collect()
}

#[tokio::test]
async fn only_changed_consents_are_recorded() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    let path = "/v1/customers/a/consents";
    client.put(path, json!({"cnst_1": true, "cnst_2": true, "cnst_3": false})).await.expect(204);
    client.put(path, json!({"cnst_1": true, "cnst_2": false})).await.expect(204);
    let expected = [("customer.consents.given", "cnst_1 cnst_2"), ("customer.consents.revoked", "cnst_2")];
    assert_eq!(entries(&emulator).await, pairs(&expected));
}

#[tokio::test]
async fn unsubscribing_revokes_all_given_consents() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    let path = "/v1/customers/a/consents";
    client.put(path, json!({"cnst_1": true, "cnst_2": false})).await.expect(204);
    client.put(path, json!({"unsubscribed": true})).await.expect(204);
    client.put(path, json!({"unsubscribed": true})).await.expect(204);
    let expected = [("customer.consents.given", "cnst_1"), ("customer.consents.revoked", "cnst_1")];
    assert_eq!(entries(&emulator).await, pairs(&expected));
}

#[tokio::test]
async fn invalid_bodies_and_unknown_customers_are_rejected() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    for (body, details) in [
        (json!({}), "The payload cannot be empty"),
        (json!([]), "Payload must be object"),
        (json!({"cnst_1": "yes"}), "Property .cnst_1 must be boolean"),
        (json!({"": true}), "A consent id must have 1 to 500 characters and no U+0000"),
    ] {
        let answer = client.put("/v1/customers/a/consents", body).await.expect(400);
        assert_eq!(answer.string("/details"), details);
    }
    client.put("/v1/customers/unknown/consents", json!({"cnst_1": true})).await.expect(404);
    emulator.other_project().put("/v1/customers/a/consents", json!({"cnst_1": true})).await.expect(404);
    assert_eq!(entries(&emulator).await, []);
}
