use serde_json::json;

use super::settings;
use crate::support::World;

const PATH: &str = "/client/v1/events";

#[tokio::test]
async fn a_page_tracks_an_event_as_a_server_does() {
    let world = World::new().await;
    // As the JavaScript SDK sends it.
    let body = json!({"event": "visit", "metadata": {}, "customer": {"source_id": "a"}});
    let answer = world.page().post(PATH, body).await.expect(200);
    assert_eq!(
        answer.shape(),
        r#"{"object":"event","type":"visit","customer":{"id":"<cust_>","source_id":"a","name":null,"email":null,"object":"customer"},"referral":null,"loyalty":null,"metadata":{}}"#
    );
    let entries = world.client().get("/v1/customers/a/activity").await.expect(200);
    assert_eq!(entries.column("data", "type"), ["customer.custom_event", "customer.created"]);
    assert_eq!(entries.string("/data/0/data/event_source/channel"), "CLIENT_API");
}

#[tokio::test]
async fn a_malformed_referral_is_named() {
    let world = World::new().await;
    let body = json!({"event": "visit", "customer": {"source_id": "a"}, "referral": {}});
    let answer = world.page().post(PATH, body).await.expect(400);
    assert_eq!(
        answer.shape(),
        r#"{"code":400,"key":"invalid_payload","message":"Invalid payload","details":"Property .referral should have required property 'code'","request_id":"<v->"}"#
    );
}

#[tokio::test]
async fn a_project_may_keep_pages_from_tracking_events() {
    let world = World::new().await;
    settings(&world, json!({"client_loyalty_events_enabled": false})).await;
    let body = json!({"event": "visit", "customer": {"source_id": "a"}});
    let answer = world.page().post(PATH, body.clone()).await.expect(401);
    assert_eq!(answer.text, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#);
    world.page().post("/client/v1/customers", json!({})).await.expect(200);
    world.client().post("/v1/events", body).await.expect(200);
}

#[tokio::test]
async fn a_page_of_another_project_does_not_reach_a_customer() {
    let world = World::new().await;
    let id = world.client().customer(json!({"source_id": "a"})).await;
    let stranger = world.page_with("stranger", "token");
    stranger.post(PATH, json!({"event": "visit", "customer": {"id": id}})).await.expect(404);
    let event = stranger.post(PATH, json!({"event": "visit", "customer": {"source_id": "a"}})).await.expect(200);
    assert_ne!(event.string("/customer/id"), id);
}
