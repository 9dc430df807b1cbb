use serde_json::json;

use crate::support::TestProject;

#[tokio::test]
async fn the_client_side_lists_the_same_consents_as_the_server_side() {
    let project = TestProject::new();
    project.client().put("/_emulator/consents/cnst_news", json!({"name": "Newsletter"})).await.expect(200);
    let listed = project.page().get("/client/v1/consents").await.expect(200);
    assert_eq!(listed.text, project.client().get("/v1/consents").await.expect(200).text);
    assert_eq!(listed.string("/consents/data/0/name"), "Newsletter");
    let theirs = project.other_page().get("/client/v1/consents").await.expect(200).json();
    assert_eq!(theirs["consents"]["total"], 0);
    project.client().get("/client/v1/consents").await.expect(401);
}

#[tokio::test]
async fn consents_can_be_given_and_revoked() {
    let project = TestProject::new();
    project.client().customer(json!({"source_id": "a/b@c.d"})).await;
    let path = "/client/v1/customers/a%2Fb%40c.d/consents";
    let answer = project.page().put(path, json!({"cnst_news": true})).await.expect(204);
    assert_eq!(answer.text, "");
    project.page().put(path, json!({"unsubscribed": true})).await.expect(204);
    let entries = project.client().get("/v1/customers/a%2Fb%40c.d/activity").await.expect(200);
    assert_eq!(
        entries.column("data", "type"),
        ["customer.consents.revoked", "customer.consents.given", "customer.created"]
    );
    assert_eq!(entries.string("/data/0/data/event_source/channel"), "CLIENT_API");
}

#[tokio::test]
async fn empty_payloads_unknown_customers_and_wrong_keys_are_rejected() {
    let project = TestProject::new();
    let id = project.client().customer(json!({})).await;
    let path = format!("/client/v1/customers/{id}/consents");
    let answer = project.page().put(&path, json!({})).await.expect(400);
    assert_eq!(answer.string("/details"), "The payload cannot be empty");
    for unknown in ["none", "%ff", "%00"] {
        let path = format!("/client/v1/customers/{unknown}/consents");
        let answer = project.page().put(&path, json!({"cnst_news": true})).await.expect(404);
        let resource_id = match unknown {
            "none" => "none",
            "%00" => "\0",
            _ => "\u{fffd}",
        };
        assert_eq!(answer.string("/resource_id"), resource_id);
    }
    project.other_page().put(&path, json!({"cnst_news": true})).await.expect(404);
    project.client().put(&path, json!({"cnst_news": true})).await.expect(401);
}
