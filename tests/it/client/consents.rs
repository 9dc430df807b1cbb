use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_page_lists_consents_as_a_server_does() {
    let world = World::new().await;
    world.client().put("/_emulator/consents/cnst_news", json!({"name": "Newsletter"})).await.expect(200);
    let listed = world.page().get("/client/v1/consents").await.expect(200);
    assert_eq!(listed.text, world.client().get("/v1/consents").await.expect(200).text);
    assert_eq!(listed.string("/consents/data/0/name"), "Newsletter");
    let theirs = world.page_with("stranger", "token").get("/client/v1/consents").await.expect(200).json();
    assert_eq!(theirs["consents"]["total"], 0);
    world.client().get("/client/v1/consents").await.expect(401);
}

#[tokio::test]
async fn a_page_gives_and_revokes_consents() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a/b@c.d"})).await;
    let path = "/client/v1/customers/a%2Fb%40c.d/consents";
    let answer = world.page().put(path, json!({"cnst_news": true})).await.expect(204);
    assert_eq!(answer.text, "");
    world.page().put(path, json!({"unsubscribed": true})).await.expect(204);
    let entries = world.client().get("/v1/customers/a%2Fb%40c.d/activity").await.expect(200);
    assert_eq!(
        entries.column("data", "type"),
        ["customer.consents.revoked", "customer.consents.given", "customer.created"]
    );
    assert_eq!(entries.string("/data/0/data/event_source/channel"), "CLIENT_API");
}

#[tokio::test]
async fn what_is_wrong_with_consents_is_named() {
    let world = World::new().await;
    let id = world.client().customer(json!({})).await;
    let path = format!("/client/v1/customers/{id}/consents");
    let answer = world.page().put(&path, json!({})).await.expect(400);
    assert_eq!(answer.string("/details"), "The payload cannot be empty");
    for unknown in ["none", "%ff", "%00"] {
        let path = format!("/client/v1/customers/{unknown}/consents");
        let answer = world.page().put(&path, json!({"cnst_news": true})).await.expect(404);
        let named = match unknown {
            "none" => "none",
            "%00" => "\0",
            _ => "\u{fffd}",
        };
        assert_eq!(answer.string("/resource_id"), named);
    }
    world.page_with("stranger", "token").put(&path, json!({"cnst_news": true})).await.expect(404);
    world.client().put(&path, json!({"cnst_news": true})).await.expect(401);
}
