//! Several emulators on one database.

use std::time::Duration;

use serde_json::json;

use super::webhook;
use crate::support::{Receiver, World};

#[tokio::test]
async fn of_several_emulators_one_delivers_what_any_has_to_send() {
    let (world, receiver) = (World::new().await, Receiver::start().await);
    let other = world.again(|_| {}).await;
    let client = world.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    for index in 0..20 {
        let client = if index % 2 == 0 { world.client() } else { other.client() };
        client.post("/v1/customers", json!({"source_id": format!("c{index}")})).await.expect(200);
    }
    client.get("/_emulator/idle").await.expect(200);
    assert_eq!(receiver.messages().len(), 20, "each once");
    // What one tells the other is not told back, and so on for ever.
    let announced = "SELECT max(query_start)::text FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE '%pg_notify%' AND pid <> pg_backend_pid()";
    tokio::time::sleep(Duration::from_millis(200)).await;
    let before: Option<String> = sqlx::query_scalar(announced).fetch_one(&world.pool).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let after: Option<String> = sqlx::query_scalar(announced).fetch_one(&world.pool).await.unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn when_the_one_that_delivers_ends_another_takes_its_place() {
    let (mut world, receiver) = (World::new().await, Receiver::start().await);
    let other = world.again(|_| {}).await;
    webhook(&world.client(), &receiver, &["customer.created"]).await;
    world.client().post("/v1/customers", json!({"source_id": "a"})).await.expect(200);
    receiver.received(1).await;
    world.stop_workers().await;
    other.client().post("/v1/customers", json!({"source_id": "b"})).await.expect(200);
    let messages = receiver.received(2).await;
    assert_eq!(messages[1].text("/data/customer/source_id"), "b");
}
