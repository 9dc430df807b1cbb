use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn a_consent_is_defined_and_defined_anew() {
    let world = World::at("2024-03-01T12:00:00Z").await;
    let client = world.client();
    let body = json!({"name": "News", "description": "By e-mail", "category": "Marketing", "surplus": 1});
    let answer = client.put("/_emulator/consents/cnst_a", body).await.expect(200);
    assert_eq!(
        answer.text,
        r#"{"id":"cnst_a","name":"News","description":"By e-mail","category":"Marketing","created_at":"2024-03-01T12:00:00.000Z","updated_at":null,"object":"consent"}"#
    );
    world.clock.set("2024-03-02T12:00:00Z".parse().unwrap());
    let answer =
        client.put("/_emulator/consents/cnst_a", json!({"name": "Letters", "category": null})).await.expect(200);
    assert_eq!(
        answer.text,
        r#"{"id":"cnst_a","name":"Letters","description":"","category":"","created_at":"2024-03-01T12:00:00.000Z","updated_at":"2024-03-02T12:00:00.000Z","object":"consent"}"#
    );
    assert_eq!(client.get("/v1/consents").await.json()["consents"]["data"], json!([answer.json()]));
}

#[tokio::test]
async fn the_name_of_a_consent_is_in_what_is_told_from_then_on() {
    let world = World::at("2024-03-01T12:00:00Z").await;
    let client = world.client();
    client.customer(json!({"source_id": "a"})).await;
    let mut told = Vec::new();
    for (second, given) in [(1, true), (2, false)] {
        world.clock.set(format!("2024-03-01T12:00:0{second}Z").parse().unwrap());
        client.put("/v1/customers/a/consents", json!({"cnst_a": given})).await.expect(204);
        client.put("/_emulator/consents/cnst_a", json!({"name": "News"})).await.expect(200);
        let answer = client.get("/v1/customers/a/activity?limit=1").await.expect(200);
        told.push(answer.string("/data/0/data/data/consents/0/name"));
    }
    assert_eq!(told, ["cnst_a", "News"]);
}

#[tokio::test]
async fn a_deleted_consent_is_gone_with_what_was_said_to_it() {
    let world = World::new().await;
    let client = world.client();
    client.customer(json!({"source_id": "a"})).await;
    client.put("/v1/customers/a/consents", json!({"cnst_a": true, "cnst_b": true})).await.expect(204);
    let body = json!({"name": "G", "consents": ["cnst_a", "cnst_b"]});
    client.put("/_emulator/consent-groups/g", body).await.expect(200);
    client.delete("/_emulator/consents/cnst_a").await.expect(204);
    let lists = client.get("/v1/consents").await.expect(200).json();
    assert_eq!(lists.pointer("/groups/data/0/consents"), Some(&json!(["cnst_b"])));
    assert_eq!(lists.pointer("/consents/total"), Some(&json!(1)));
    let said: Vec<String> =
        sqlx::query_scalar("SELECT consent_id FROM customer_consents").fetch_all(&world.pool).await.unwrap();
    assert_eq!(said, ["cnst_b"]);
    let error = client.delete("/_emulator/consents/cnst_a").await.expect(404);
    assert_eq!(error.string("/details"), "Cannot find consent with id cnst_a");
    // Given again, it is defined again, and that is news.
    client.put("/v1/customers/a/consents", json!({"cnst_a": true})).await.expect(204);
    let told = client.get("/v1/customers/a/activity?limit=1").await.expect(200);
    assert_eq!(told.string("/data/0/type"), "customer.consents.given");
    client.call(Method::POST, "/v1/customers/a/permanent-deletion", None).await.expect(200);
    assert_eq!(client.get("/v1/consents").await.json().pointer("/consents/total"), Some(&json!(2)), "nobody's own");
    client.delete("/_emulator/consents/cnst_a").await.expect(204);
}

#[tokio::test]
async fn a_group_is_defined_anew_and_deleted_without_its_consents() {
    let world = World::at("2024-03-01T12:00:00Z").await;
    let client = world.client();
    for id in ["a", "b"] {
        client.put(&format!("/_emulator/consents/{id}"), json!({"name": id})).await.expect(200);
    }
    let body = json!({"name": "G", "description": "D", "consents": ["b", "a", "b"]});
    let answer = client.put("/_emulator/consent-groups/g", body).await.expect(200);
    assert_eq!(
        answer.text,
        r#"{"id":"g","name":"G","description":"D","consents":["b","a"],"created_at":"2024-03-01T12:00:00.000Z","updated_at":null,"object":"consent_group"}"#
    );
    world.clock.set("2024-03-02T12:00:00Z".parse().unwrap());
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
async fn what_is_wrong_with_a_definition_is_named() {
    let world = World::new().await;
    let client = world.client();
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
        (json!({"name": "N", "consents": [1]}), "Property .consents[0] must be string"),
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
async fn definitions_belong_to_the_project_of_the_keys() {
    let world = World::new().await;
    let (client, stranger) = (world.client(), world.stranger());
    client.put("/_emulator/consents/a", json!({"name": "Ours"})).await.expect(200);
    client.put("/_emulator/consent-groups/g", json!({"name": "G", "consents": ["a"]})).await.expect(200);
    stranger.put("/_emulator/consent-groups/h", json!({"name": "H", "consents": ["a"]})).await.expect(400);
    stranger.delete("/_emulator/consents/a").await.expect(404);
    stranger.delete("/_emulator/consent-groups/g").await.expect(404);
    stranger.put("/_emulator/consents/a", json!({"name": "Theirs"})).await.expect(200);
    stranger.delete("/_emulator/consents/a").await.expect(204);
    let lists: Value = client.get("/v1/consents").await.json();
    assert_eq!(lists.pointer("/consents/data/0/name"), Some(&json!("Ours")));
    assert_eq!(lists.pointer("/groups/data/0/consents"), Some(&json!(["a"])));
    for path in ["/_emulator/consents/a", "/_emulator/consent-groups/g"] {
        let request = Request::put(path).body(Body::from(r#"{"name":"N","consents":[]}"#)).unwrap();
        world.send(request).await.expect(401);
    }
}
