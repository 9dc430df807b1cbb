//! The courier: how many at a time, in which turn, and what a stop or a crash leaves.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rustix::process::Signal;
use serde_json::{Value, json};
use voucherify_emulator::clock::Clock;

use super::{attempted, webhook};
use crate::program::Program;
use crate::support::{Receiver, Reply, World};

#[tokio::test]
async fn several_are_sent_at_a_time_and_only_so_many_of_one_webhook() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.always(Reply::Late(Duration::from_millis(100)));
    for index in 0..60 {
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    client.get("/_emulator/idle").await.expect(200);
    let messages = receiver.messages();
    assert_eq!(messages.len(), 60);
    let ids: HashSet<_> = messages.iter().map(|message| message.text("/id")).collect();
    assert_eq!(ids.len(), 60, "each once");
    assert!((2..=16).contains(&receiver.most_at_once()), "{}", receiver.most_at_once());
}

#[tokio::test]
async fn a_replay_sends_the_same_message_again() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    let path = format!("/_emulator/webhooks/deliveries/{}", delivery["id"].as_str().unwrap());
    let replayed = client.post(&format!("{path}/replay"), Value::Null).await.expect(200);
    assert_eq!(replayed.json()["status"], "PENDING");
    let messages = receiver.received(2).await;
    assert_eq!(messages[0].body, messages[1].body);
    let delivery = attempted(&client, 2).await;
    assert_eq!(delivery["status"], "DELIVERED");
    assert_eq!(client.get(&path).await.expect(200).json(), delivery);
}

#[tokio::test]
async fn what_waits_for_its_next_attempt_can_be_sent_at_once() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Status(500)]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let delivery = attempted(&client, 1).await;
    let path = format!("/_emulator/webhooks/deliveries/{}/replay", delivery["id"].as_str().unwrap());
    client.post(&path, Value::Null).await.expect(200);
    assert_eq!(attempted(&client, 2).await["status"], "DELIVERED");
}

#[tokio::test]
async fn an_emulator_that_stops_leaves_the_rest_to_the_next() {
    let (mut world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    world.stop_workers().await;
    client.post("/v1/customers", json!({"source_id": "c"})).await.expect(200);
    let other = world.again(|_| {}).await;
    let messages = receiver.received(1).await;
    assert_eq!(messages[0].text("/data/customer/source_id"), "c");
    drop(other);
}

#[test]
fn a_killed_emulator_delivers_what_it_had_promised() {
    let folder = tempfile::tempdir().unwrap();
    // PostgreSQL's user passes through.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let receiver = runtime.block_on(Receiver::start());
    // While it hangs, everything is between the commit and the delivery.
    receiver.always(Reply::Hang);
    let program = Program::start(&arguments);
    let body = json!({"target_url": receiver.url(), "events": ["customer.created"]});
    assert_eq!(program.call("POST", "/_emulator/webhooks", &body.to_string()).0, 200);
    for index in 0..30 {
        let customer = json!({"source_id": format!("c{index}")}).to_string();
        assert_eq!(program.call("POST", "/v1/customers", &customer).0, 200);
    }
    runtime.block_on(receiver.received(4));
    program.end(Signal::KILL);
    let first: HashSet<_> = receiver.messages().iter().map(|message| message.text("/id")).collect();
    receiver.always(Reply::Status(200));
    let program = Program::start(&arguments);
    let messages = runtime.block_on(receiver.received(4 + 30));
    let again = &messages[4..];
    let told: HashSet<_> = again.iter().map(|message| message.text("/data/customer/source_id")).collect();
    assert_eq!(told.len(), 30, "everyone, whoever was being told included");
    let ids: HashSet<_> = again.iter().map(|message| message.text("/id")).collect();
    assert!(first.is_subset(&ids), "under the same ids");
    program.end(Signal::TERM);
}

#[tokio::test]
async fn after_a_week_it_is_forgotten_what_became_of_a_delivery() {
    let (world, receiver) = (World::at("2026-03-01T10:00:00Z").await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Status(200), Reply::Status(500)]);
    for (count, source_id) in ["delivered", "waits"].into_iter().enumerate() {
        client.post("/v1/customers", json!({"source_id": source_id})).await.expect(200);
        receiver.received(count + 1).await;
        attempted(&client, 1).await;
    }
    world.clock.set("2026-03-08T10:00:00Z".parse().unwrap());
    world.expire_deliveries().await;
    assert_eq!(super::deliveries(&client).await.len(), 2);
    world.clock.set("2026-03-08T10:00:00.001Z".parse().unwrap());
    world.expire_deliveries().await;
    let left = super::deliveries(&client).await;
    assert_eq!((left.len(), left[0]["attempts"][0]["status"].clone()), (1, json!(500)));
}

#[tokio::test]
async fn whoever_comes_into_being_on_the_way_is_told_of_at_once() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    for index in 0..6 {
        let begun = Instant::now();
        let customer = json!({"source_id": format!("c{index}")});
        if index % 2 == 0 {
            client.post("/v1/orders", json!({"amount": 1, "customer": customer})).await.expect(200);
        } else {
            client.post("/v1/events", json!({"event": "seen", "customer": customer})).await.expect(200);
        }
        receiver.received(index + 1).await;
        // Without a word it is found after two seconds.
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_replay_while_it_is_being_sent_sends_it_again() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([Reply::Late(Duration::from_millis(500))]);
    client.post("/v1/customers", json!({})).await.expect(200);
    let id = receiver.received(1).await[0].text("/id");
    client.post(&format!("/_emulator/webhooks/deliveries/{id}/replay"), Value::Null).await.expect(200);
    let messages = receiver.received(2).await;
    assert_eq!(messages[0].body, messages[1].body);
    let delivery = attempted(&client, 2).await;
    assert_eq!(delivery["status"], "DELIVERED");
}

#[tokio::test]
async fn a_delivery_that_somebody_holds_holds_up_no_other() {
    let (world, receiver, other) = (World::new().await, Receiver::start().await, Receiver::start().await);
    let (client, stranger) = (world.client(), world.stranger());
    webhook(&client, &receiver, &["customer.created"]).await;
    webhook(&stranger, &other, &["customer.created"]).await;
    receiver.replies([Reply::Late(Duration::from_millis(300))]);
    client.post("/v1/customers", json!({})).await.expect(200);
    receiver.received(1).await;
    let mut holder = world.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM webhook_deliveries FOR UPDATE").execute(&mut *holder).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for index in 0..3 {
        stranger.post("/v1/customers", json!({})).await.expect(200);
        other.received(index + 1).await;
    }
    holder.rollback().await.unwrap();
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(attempted(&client, 1).await["status"], "DELIVERED");
    assert_eq!(receiver.messages().len(), 1, "what could not be written at once is not sent again");
}

#[tokio::test]
async fn retries_come_at_their_times_however_fast() {
    let world = World::with(Clock::System, |config| config.webhooks.retry_speed = 600).await;
    let receiver = Receiver::start().await;
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    receiver.replies([500, 500, 500, 500, 200].map(Reply::Status));
    let begun = Instant::now();
    client.post("/v1/customers", json!({})).await.expect(200);
    receiver.received(5).await;
    // 0.1, 0.2, 0.4 and 0.8 s after the first.
    assert!(begun.elapsed() >= Duration::from_millis(800), "{:?}", begun.elapsed());
    let delivery = attempted(&client, 5).await;
    let at =
        |index: usize| delivery["attempts"][index]["created_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    for (index, after) in [(1, 100), (2, 200), (3, 400), (4, 800)] {
        let late = (at(index) - at(0)).num_milliseconds() - after;
        assert!((0..400).contains(&late), "attempt {index} is {late} ms late: {delivery}");
    }
}

#[tokio::test]
async fn a_deleted_project_sends_nothing_more() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let (manager, stranger) = (world.manager(), world.stranger());
    webhook(&stranger, &receiver, &["customer.created"]).await;
    stranger.post("/v1/customers", json!({})).await.expect(200);
    receiver.received(1).await;
    receiver.always(Reply::Late(Duration::from_millis(400)));
    for index in 0..100 {
        stranger.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    let project = stranger.get("/_emulator/project").await.expect(200).string("/id");
    manager.delete(&format!("/management/v1/projects/{project}")).await.expect(204);
    let by_then = receiver.messages().len();
    assert!(by_then < 100);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(receiver.messages().len(), by_then);
}
