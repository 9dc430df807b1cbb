use serde_json::json;

use super::settings;
use crate::support::{TestEmulator, TestProject};

const PATH: &str = "/client/v1/events";

#[tokio::test]
async fn the_client_side_tracks_events_like_the_server_side() {
    let project = TestProject::new();
    // The JavaScript SDK sends this body.
    let body = json!({"event": "visit", "metadata": {}, "customer": {"source_id": "a"}});
    let answer = project.page().post(PATH, body).await.expect(200);
    assert_eq!(
        answer.shape(),
        r#"{"object":"event","type":"visit","customer":{"id":"<cust_>","source_id":"a","name":null,"email":null,"object":"customer"},"referral":null,"loyalty":null,"metadata":{}}"#
    );
    let entries = project.client().get("/v1/customers/a/activity").await.expect(200);
    assert_eq!(entries.column("data", "type"), ["customer.custom_event", "customer.created"]);
    assert_eq!(entries.string("/data/0/data/event_source/channel"), "CLIENT_API");
}

#[tokio::test]
async fn a_malformed_referral_is_rejected() {
    let project = TestProject::new();
    let body = json!({"event": "visit", "customer": {"source_id": "a"}, "referral": {}});
    let answer = project.page().post(PATH, body).await.expect(400);
    assert_eq!(
        answer.shape(),
        r#"{"code":400,"key":"invalid_payload","message":"Invalid payload","details":"Property .referral should have required property 'code'","request_id":"<v->"}"#
    );
}

#[tokio::test]
async fn a_project_can_disable_the_tracking_of_events_by_pages() {
    let emulator = TestEmulator::new().await;
    settings(&emulator, json!({"client_loyalty_events_enabled": false})).await;
    let body = json!({"event": "visit", "customer": {"source_id": "a"}});
    let answer = emulator.page().post(PATH, body.clone()).await.expect(401);
    assert_eq!(answer.text, r#"{"code":401,"message":"Unauthorized","key":"unauthorized"}"#);
    emulator.page().post("/client/v1/customers", json!({})).await.expect(200);
    emulator.client().post("/v1/events", body).await.expect(200);
}

#[tokio::test]
async fn customers_of_other_projects_return_404() {
    let project = TestProject::new();
    let id = project.client().customer(json!({"source_id": "a"})).await;
    let other = project.other_page();
    other.post(PATH, json!({"event": "visit", "customer": {"id": id}})).await.expect(404);
    let event = other.post(PATH, json!({"event": "visit", "customer": {"source_id": "a"}})).await.expect(200);
    assert_ne!(event.string("/customer/id"), id);
}
