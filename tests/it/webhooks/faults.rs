//! Faults that fail, delay or duplicate deliveries.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use voucherify_emulator::clock::Clock;

use super::{attempted, deliveries, webhook};
use crate::support::{Client, Receiver, Reply, TestEmulator, TestProject};

const FAULTS: &str = "/_emulator/faults";
/// A delay that does not end during a test.
const LONG_DELAY_MILLIS: u32 = 600_000;

async fn fault(client: &Client, body: Value) -> String {
    client.post(FAULTS, body).await.expect(200).string("/id")
}

async fn counts(client: &Client, id: &str) -> (i64, i64) {
    let fault = client.get(&format!("{FAULTS}/{id}")).await.expect(200).json();
    (fault["matches"].as_i64().unwrap(), fault["hits"].as_i64().unwrap())
}

async fn customer(client: &Client, source_id: &str) {
    client.post("/v1/customers", json!({"source_id": source_id})).await.expect(200);
}

async fn idle(client: &Client) {
    client.get("/_emulator/idle").await.expect(200);
}

/// Waits until the fault has hit so many attempts.
async fn hit(client: &Client, id: &str, hits: i64) {
    let start = Instant::now();
    while counts(client, id).await.1 < hits {
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", counts(client, id).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Returns the `source_id` of the customers in the received messages, in their order.
fn received_customers(receiver: &Receiver) -> Vec<String> {
    receiver.messages().iter().map(|message| message.text("/data/customer/source_id")).collect()
}

#[tokio::test]
async fn a_failed_attempt_is_recorded_without_being_sent_and_is_retried() {
    let (emulator, receiver) = (TestEmulator::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    let id = fault(&client, json!({"event": "customer.created", "times": 1, "fail": true})).await;
    customer(&client, "c").await;
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["status"], "PENDING");
    assert_eq!(delivery["next_attempt_at"], "2026-03-01T10:01:00.000Z");
    assert_eq!(
        delivery["attempts"],
        json!([{
            "created_at": "2026-03-01T10:00:00.000Z",
            "milliseconds": 0,
            "status": null,
            "error": "A fault failed the attempt, and nothing was sent",
            "fault": id,
        }])
    );
    idle(&client).await;
    assert_eq!(receiver.messages().len(), 0);
    emulator.set_clock("2026-03-01T10:01:00Z");
    let delivery = attempted(&client, 2).await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert_eq!((&delivery["attempts"][1]["status"], &delivery["attempts"][1]["fault"]), (&json!(200), &json!(null)));
    assert_eq!(received_customers(&receiver), ["c"]);
    assert_eq!(counts(&client, &id).await, (1, 1));
}

#[tokio::test]
async fn a_webhook_whose_attempts_all_fail_is_deactivated() {
    let emulator = TestEmulator::with(Clock::System, |config| config.webhooks.retry_speed = 600_000).await;
    let (client, receiver) = (emulator.client(), Receiver::start().await);
    let webhook_id = webhook(&client, &receiver, &["customer.created"]).await;
    let id = fault(&client, json!({"webhook": webhook_id, "fail": true})).await;
    customer(&client, "c").await;
    assert_eq!(attempted(&client, 13).await["status"], "FAILED");
    let start = Instant::now();
    while client.get(&format!("/_emulator/webhooks/{webhook_id}")).await.json()["active"] == true {
        assert!(start.elapsed() < Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((receiver.messages().len(), counts(&client, &id).await), (0, (13, 13)), "each attempt is a match");
}

#[tokio::test]
async fn a_duplicated_message_is_sent_again_with_the_same_bytes() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    let id = fault(&client, json!({"webhook": "*", "times": 1, "duplicate": 2})).await;
    receiver.replies([Reply::Status(202), Reply::Status(500)]);
    customer(&client, "twice").await;
    idle(&client).await;
    let messages = receiver.messages();
    assert_eq!(messages.len(), 3);
    let signature = |index: usize| &messages[index].headers["x-voucherify-signature"];
    for index in [1, 2] {
        assert_eq!((&messages[index].body, signature(index)), (&messages[0].body, signature(0)));
    }
    let delivery = attempted(&client, 1).await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 1, "the attempt is the first one: {delivery}");
    assert_eq!((&delivery["attempts"][0]["status"], &delivery["attempts"][0]["fault"]), (&json!(202), &json!(id)));
    customer(&client, "once").await;
    idle(&client).await;
    assert_eq!(receiver.messages().len(), 4);
}

#[tokio::test]
async fn nothing_is_duplicated_to_an_endpoint_that_does_not_answer() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    fault(&client, json!({"webhook": "*", "duplicate": 10})).await;
    drop(receiver);
    customer(&client, "c").await;
    let delivery = attempted(&client, 1).await;
    assert_eq!((&delivery["status"], &delivery["attempts"][0]["status"]), (&json!("PENDING"), &json!(null)));
}

#[tokio::test]
async fn a_delayed_message_arrives_after_a_later_one() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    let id = fault(&client, json!({"event": "customer.created", "times": 1, "delay_ms": 700})).await;
    let start = Instant::now();
    customer(&client, "late").await;
    hit(&client, &id, 1).await;
    customer(&client, "early").await;
    receiver.received(1).await;
    assert_eq!(received_customers(&receiver), ["early"]);
    idle(&client).await;
    assert!(start.elapsed() >= Duration::from_millis(700), "idle waits for delayed messages: {:?}", start.elapsed());
    assert_eq!(received_customers(&receiver), ["early", "late"]);
    let late = deliveries(&client).await.pop().unwrap();
    assert_eq!((&late["status"], &late["attempts"][0]["fault"]), (&json!("DELIVERED"), &json!(id)));
    assert_eq!(counts(&client, &id).await, (1, 1), "the delay is not another match");
}

#[tokio::test]
async fn a_delayed_attempt_can_also_fail() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    let id = fault(&client, json!({"webhook": "*", "delay_ms": {"min": 100, "max": 120}, "fail": true})).await;
    let start = Instant::now();
    customer(&client, "c").await;
    let delivery = attempted(&client, 1).await;
    assert!(start.elapsed() >= Duration::from_millis(100), "{:?}", start.elapsed());
    assert_eq!(delivery["attempts"][0]["fault"], id.as_str());
    assert_eq!((receiver.messages().len(), counts(&client, &id).await), (0, (1, 1)));
}

#[tokio::test]
async fn delayed_messages_hold_up_neither_others_nor_the_stop_of_the_emulator() {
    let (mut emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    // More than a webhook has slots.
    let id = fault(&client, json!({"webhook": "*", "times": 20, "delay_ms": LONG_DELAY_MILLIS})).await;
    for index in 0..20 {
        customer(&client, &format!("late {index}")).await;
    }
    hit(&client, &id, 20).await;
    customer(&client, "early").await;
    receiver.received(1).await;
    assert_eq!(received_customers(&receiver), ["early"]);
    client.delete(FAULTS).await.expect(204);
    let start = Instant::now();
    emulator.stop_workers().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let _other = emulator.start_another(|_| {}).await;
    receiver.received(21).await;
}

#[tokio::test]
async fn a_delayed_message_of_a_customer_that_was_erased_is_not_sent() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    let id = fault(&client, json!({"webhook": "*", "delay_ms": 500})).await;
    customer(&client, "erased").await;
    customer(&client, "kept").await;
    hit(&client, &id, 2).await;
    client.post("/v1/customers/erased/permanent-deletion", Value::Null).await.expect(200);
    idle(&client).await;
    assert_eq!(received_customers(&receiver), ["kept"]);
}

#[tokio::test]
async fn the_first_attempts_pass_and_then_some_are_hit() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    let id = fault(&client, json!({"webhook": "*", "skip": 1, "times": 2, "fail": true})).await;
    for source_id in ["1", "2", "3", "4", "5"] {
        customer(&client, source_id).await;
        idle(&client).await;
    }
    assert_eq!(received_customers(&receiver), ["1", "4", "5"]);
    assert_eq!(counts(&client, &id).await, (3, 2), "matches are not counted when the fault is used up");
}

#[tokio::test]
async fn the_same_seed_hits_the_same_attempts() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    let mut runs = Vec::new();
    for (run, seed) in [1, 1, 2].into_iter().enumerate() {
        let id = fault(&client, json!({"webhook": "*", "probability": 0.5, "seed": seed, "fail": true})).await;
        let before = receiver.messages().len();
        for index in 0..12 {
            customer(&client, &format!("{run} {index}")).await;
            idle(&client).await;
        }
        let sent = received_customers(&receiver).split_off(before);
        runs.push(sent.iter().map(|id| id.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>());
        let count = i64::try_from(sent.len()).unwrap();
        assert_eq!(counts(&client, &id).await, (12, 12 - count));
        client.delete(FAULTS).await.expect(204);
    }
    assert!((1..12).contains(&runs[0].len()), "{runs:?}");
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn only_the_deliveries_of_the_webhook_and_the_event_are_hit() {
    let (client, receiver, other) = (TestProject::new().client(), Receiver::start().await, Receiver::start().await);
    let events = ["customer.created", "customer.updated"];
    let webhook_id = webhook(&client, &receiver, &events).await;
    webhook(&client, &other, &events).await;
    let id = fault(&client, json!({"webhook": webhook_id, "event": "customer.updated", "fail": true})).await;
    customer(&client, "c").await;
    client.put("/v1/customers/c", json!({"name": "C"})).await.expect(200);
    idle(&client).await;
    let mut types: Vec<_> = other.messages().iter().map(|message| message.text("/type")).collect();
    types.sort_unstable();
    assert_eq!(types, events);
    assert_eq!(receiver.messages().iter().map(|one| one.text("/type")).collect::<Vec<_>>(), ["customer.created"]);
    assert_eq!(counts(&client, &id).await, (1, 1));
}

#[tokio::test]
async fn the_first_fault_that_is_not_used_up_hits_an_attempt() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    let first = fault(&client, json!({"webhook": "wh_created_later", "fail": true})).await;
    let second = fault(&client, json!({"webhook": "*", "times": 1, "fail": true})).await;
    let third = fault(&client, json!({"webhook": "*", "duplicate": 1})).await;
    for source_id in ["1", "2"] {
        customer(&client, source_id).await;
        idle(&client).await;
    }
    assert_eq!(received_customers(&receiver), ["2", "2"]);
    let mut all = Vec::new();
    for id in [&first, &second, &third] {
        all.push(counts(&client, id).await);
    }
    assert_eq!(all, [(0, 0), (1, 1), (1, 1)]);
}

#[tokio::test]
async fn faults_of_deliveries_and_of_requests_do_not_hit_each_other() {
    let (client, receiver) = (TestProject::new().client(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    let of_requests = fault(&client, json!({"operation": "list-customers", "status": 503})).await;
    customer(&client, "1").await;
    idle(&client).await;
    assert_eq!((receiver.messages().len(), counts(&client, &of_requests).await), (1, (0, 0)));
    client.delete(FAULTS).await.expect(204);
    let every_request = fault(&client, json!({"skip": 1, "status": 503})).await;
    let of_deliveries = fault(&client, json!({"webhook": "*", "fail": true})).await;
    customer(&client, "2").await;
    client.get("/v1/customers").await.expect(503);
    idle(&client).await;
    assert_eq!((counts(&client, &every_request).await, counts(&client, &of_deliveries).await), ((2, 1), (1, 1)));
    assert_eq!(receiver.messages().len(), 1);
}

#[tokio::test]
async fn the_deliveries_of_other_projects_are_not_hit() {
    let project = TestProject::new();
    let (client, other, receiver) = (project.client(), project.other_project(), Receiver::start().await);
    webhook(&client, &receiver, &["customer.created"]).await;
    webhook(&other, &receiver, &["customer.created"]).await;
    let id = fault(&other, json!({"webhook": "*", "fail": true})).await;
    customer(&client, "hit by none").await;
    idle(&client).await;
    assert_eq!((receiver.messages().len(), counts(&other, &id).await), (1, (0, 0)));
    customer(&other, "hit").await;
    idle(&other).await;
    assert_eq!((receiver.messages().len(), counts(&other, &id).await), (1, (1, 1)));
}

#[tokio::test]
async fn a_delay_does_not_hold_up_deliveries_with_the_same_id() {
    let project = TestProject::new();
    let (client, other, receiver) = (project.client(), project.other_project(), Receiver::start().await);
    let prepare = async |client: &Client| {
        client.put("/_emulator/clock", json!({"now": "2030-01-01T00:00:00Z", "frozen": true})).await.expect(200);
        client.put("/_emulator/ids", json!({"seed": "s"})).await.expect(200);
        webhook(client, &receiver, &["customer.created"]).await;
    };
    prepare(&client).await;
    prepare(&other).await;
    let id = fault(&client, json!({"webhook": "*", "delay_ms": LONG_DELAY_MILLIS})).await;
    customer(&client, "c").await;
    hit(&client, &id, 1).await;
    let delayed = deliveries(&client).await;
    customer(&other, "c").await;
    receiver.received(1).await;
    assert_eq!(attempted(&other, 1).await["id"], delayed[0]["id"], "the same seed makes the same ids");
    // After a reset, the delivery with that id is another one.
    client.post("/_emulator/reset", json!({})).await.expect(200);
    prepare(&client).await;
    customer(&client, "c").await;
    let delivery = attempted(&client, 1).await;
    assert_eq!((&delivery["id"], &delivery["attempts"][0]["fault"]), (&delayed[0]["id"], &json!(null)));
}
