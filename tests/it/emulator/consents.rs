use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn a_second_put_replaces_the_definition_of_a_consent() {
    let emulator = TestEmulator::at("2024-03-01T12:00:00Z").await;
    let client = emulator.client();
    let body = json!({"name": "News", "description": "By e-mail", "category": "Marketing"});
    let answer = client.put("/_emulator/consents/cnst_a", body).await.expect(200);
    assert_eq!(
        answer.text,
        r#"{"id":"cnst_a","name":"News","description":"By e-mail","category":"Marketing","created_at":"2024-03-01T12:00:00.000Z","updated_at":null,"object":"consent"}"#
    );
    emulator.clock.set("2024-03-02T12:00:00Z".parse().unwrap());
    let answer =
        client.put("/_emulator/consents/cnst_a", json!({"name": "Letters", "category": null})).await.expect(200);
    assert_eq!(
        answer.text,
        r#"{"id":"cnst_a","name":"Letters","description":"","category":"","created_at":"2024-03-01T12:00:00.000Z","updated_at":"2024-03-02T12:00:00.000Z","object":"consent"}"#
    );
    assert_eq!(client.get("/v1/consents").await.json()["consents"]["data"], json!([answer.json()]));
}

#[tokio::test]
async fn activity_contains_the_consent_name_of_the_time_when_it_was_recorded() {
    let emulator = TestEmulator::at("2024-03-01T12:00:00Z").await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    let mut names = Vec::new();
    for (second, given) in [(1, true), (2, false)] {
        emulator.clock.set(format!("2024-03-01T12:00:0{second}Z").parse().unwrap());
        client.put("/v1/customers/a/consents", json!({"cnst_a": given})).await.expect(204);
        client.put("/_emulator/consents/cnst_a", json!({"name": "News"})).await.expect(200);
        let answer = client.get("/v1/customers/a/activity?limit=1").await.expect(200);
        names.push(answer.string("/data/0/data/data/consents/0/name"));
    }
    assert_eq!(names, ["cnst_a", "News"]);
}

#[tokio::test]
async fn deleting_a_consent_deletes_the_consents_that_customers_gave() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    client.put("/v1/customers/a/consents", json!({"cnst_a": true, "cnst_b": true})).await.expect(204);
    let body = json!({"name": "G", "consents": ["cnst_a", "cnst_b"]});
    client.put("/_emulator/consent-groups/g", body).await.expect(200);
    client.delete("/_emulator/consents/cnst_a").await.expect(204);
    let lists = client.get("/v1/consents").await.expect(200).json();
    assert_eq!(lists.pointer("/groups/data/0/consents"), Some(&json!(["cnst_b"])));
    assert_eq!(lists.pointer("/consents/total"), Some(&json!(1)));
    let given: Vec<String> =
        sqlx::query_scalar("SELECT consent_id FROM customer_consents").fetch_all(&emulator.pool).await.unwrap();
    assert_eq!(given, ["cnst_b"]);
    let error = client.delete("/_emulator/consents/cnst_a").await.expect(404);
    assert_eq!(error.string("/details"), "Cannot find consent with id cnst_a");
    // When a customer gives the consent again, it is defined again and the activity is recorded again.
    client.put("/v1/customers/a/consents", json!({"cnst_a": true})).await.expect(204);
    let activity = client.get("/v1/customers/a/activity?limit=1").await.expect(200);
    assert_eq!(activity.string("/data/0/type"), "customer.consents.given");
    client.call(Method::POST, "/v1/customers/a/permanent-deletion", None).await.expect(200);
    assert_eq!(
        client.get("/v1/consents").await.json().pointer("/consents/total"),
        Some(&json!(2)),
        "the erasure of a customer keeps consent definitions"
    );
    client.delete("/_emulator/consents/cnst_a").await.expect(204);
}

#[tokio::test]
async fn a_second_put_replaces_a_group_and_its_deletion_keeps_the_consents() {
    let emulator = TestEmulator::at("2024-03-01T12:00:00Z").await;
    let client = emulator.client();
    for id in ["a", "b"] {
        client.put(&format!("/_emulator/consents/{id}"), json!({"name": id})).await.expect(200);
    }
    let body = json!({"name": "G", "description": "D", "consents": ["b", "a", "b"]});
    let answer = client.put("/_emulator/consent-groups/g", body).await.expect(200);
    assert_eq!(
        answer.text,
        r#"{"id":"g","name":"G","description":"D","consents":["b","a"],"created_at":"2024-03-01T12:00:00.000Z","updated_at":null,"object":"consent_group"}"#
    );
    emulator.clock.set("2024-03-02T12:00:00Z".parse().unwrap());
    let answer = client.put("/_emulator/consent-groups/g", json!({"name": "H", "consents": []})).await.expect(200);
    assert_eq!(
        answer.text,
        r#"{"id":"g","name":"H","description":"","consents":[],"created_at":"2024-03-01T12:00:00.000Z","updated_at":"2024-03-02T12:00:00.000Z","object":"consent_group"}"#
    );
    client.put("/_emulator/consent-groups/g", json!({"name": "G", "consents": ["a"]})).await.expect(200);
    client.delete("/_emulator/consent-groups/g").await.expect(204);
    let error = client.delete("/_emulator/consent-groups/g").await.expect(404);
    assert_eq!(error.string("/details"), "Cannot find consent_group with id g");
    let lists = client.get("/v1/consents").await.json();
    assert_eq!((&lists["groups"]["total"], &lists["consents"]["total"]), (&json!(0), &json!(2)));
}

#[tokio::test]
async fn invalid_definitions_are_rejected_with_the_property_name() {
    let project = TestProject::new();
    let client = project.client();
    let (long, many) = ("x".repeat(501), vec!["a"; 1_001]);
    for (body, details) in [
        (json!([]), "Payload must be object"),
        (json!({}), "Payload must have required property 'name'"),
        (json!({"name": ""}), "Property .name must NOT have fewer than 1 characters"),
        (json!({"name": null}), "Property .name must be string"),
        (json!({"name": long}), "Property .name must NOT have more than 500 characters"),
        (
            json!({"name": "N", "description": "x".repeat(5_001)}),
            "Property .description must NOT have more than 5000 characters",
        ),
        (json!({"name": "N", "description": "\u{0}"}), "Property .description must NOT contain the character U+0000"),
        (json!({"name": "N", "category": 1}), "Property .category must be string"),
        (json!({"name": "N", "category": long}), "Property .category must NOT have more than 500 characters"),
    ] {
        let error = client.put("/_emulator/consents/a", body).await.expect(400);
        assert_eq!(error.string("/details"), details);
    }
    for (body, details) in [
        (json!({}), "Payload must have required property 'name'"),
        (json!({"name": "N"}), "Payload must have required property 'consents'"),
        (json!({"name": "N", "consents": null}), "Property .consents must be array"),
        (json!({"name": "N", "consents": [1.5]}), "Property .consents[0] must be string"),
        (json!({"name": "N", "consents": ["\u{0}"]}), "Property .consents[0] must be string"),
        (json!({"name": "N", "consents": many}), "Property .consents must NOT have more than 1000 items"),
        (json!({"name": "N", "consents": ["a"]}), "Property .consents[0] must be the id of a defined consent"),
    ] {
        let error = client.put("/_emulator/consent-groups/g", body).await.expect(400);
        assert_eq!(error.string("/details"), details);
    }
    for id in [long.as_str(), "%00"] {
        for (path, thing) in [("consents", "consent"), ("consent-groups", "consent group")] {
            let path = format!("/_emulator/{path}/{id}");
            let error = client.put(&path, json!({"name": "N", "consents": []})).await.expect(400);
            let details = format!("A {thing} id must have 1 to 500 characters and no U+0000");
            assert_eq!(error.string("/details"), details);
            client.delete(&path).await.expect(404);
        }
    }
    let error = client.put("/_emulator/consents/unsubscribed", json!({"name": "N"})).await.expect(400);
    assert_eq!(error.string("/details"), "A consent id must NOT be unsubscribed");
    let lists = client.get("/v1/consents").await.json();
    assert_eq!((&lists["groups"]["total"], &lists["consents"]["total"]), (&json!(0), &json!(0)), "nothing was defined");
}

#[tokio::test]
async fn definitions_are_separate_in_each_project() {
    let project = TestProject::new();
    let (client, other) = (project.client(), project.other_project());
    client.put("/_emulator/consents/a", json!({"name": "Ours"})).await.expect(200);
    client.put("/_emulator/consent-groups/g", json!({"name": "G", "consents": ["a"]})).await.expect(200);
    other.put("/_emulator/consent-groups/h", json!({"name": "H", "consents": ["a"]})).await.expect(400);
    other.delete("/_emulator/consents/a").await.expect(404);
    other.delete("/_emulator/consent-groups/g").await.expect(404);
    other.put("/_emulator/consents/a", json!({"name": "Theirs"})).await.expect(200);
    other.delete("/_emulator/consents/a").await.expect(204);
    let lists: Value = client.get("/v1/consents").await.json();
    assert_eq!(lists.pointer("/consents/data/0/name"), Some(&json!("Ours")));
    assert_eq!(lists.pointer("/groups/data/0/consents"), Some(&json!(["a"])));
    for path in ["/_emulator/consents/a", "/_emulator/consent-groups/g"] {
        let request = Request::put(path).body(Body::from(r#"{"name":"N","consents":[]}"#)).unwrap();
        project.send(request).await.expect(401);
    }
}
