//! What else happens while a project is deleted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use voucherify_emulator::clock::Clock;

use super::delete::{number, rows};
use super::{PATH, client_of, create, path_of};
use crate::support::{Answer, Client, World};

/// An emulator whose deletions answer after a second at the latest.
async fn impatient() -> World {
    World::with(Clock::System, |config| config.request_timeout = Duration::from_secs(2)).await
}

async fn until_gone(pool: &PgPool, project: i64) {
    let begun = Instant::now();
    loop {
        let left = rows(pool, project).await;
        let is_there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM projects WHERE id = $1)")
            .bind(project)
            .fetch_one(pool)
            .await
            .unwrap();
        if left.is_empty() && !is_there {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "{left:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn whoever_writes_is_waited_for_and_meanwhile_nothing_of_it_answers() {
    let world = impatient().await;
    let created = create(&world.manager(), "Team").await;
    let (client, project) = (client_of(&world, &created), number(&world.pool, &created.string("/id")).await);
    client.customer(json!({"source_id": "alice"})).await;
    // What a write holds from its start to its end.
    let mut writer = world.connections.begin().await.unwrap();
    sqlx::query("SELECT rules_version($1)").bind(project).execute(&mut *writer).await.unwrap();
    world.manager().delete(&path_of(&created)).await.expect(204);
    assert!(rows(&world.pool, project).await.contains_key("customers"));
    client.get("/v1/customers/alice").await.expect(401);
    world.manager().get(&path_of(&created)).await.expect(404);
    world.manager().delete(&path_of(&created)).await.expect(404);
    assert_eq!(world.manager().get(PATH).await.column("data", "name"), ["Sandbox Project"]);
    sqlx::query("INSERT INTO metadata_schemas VALUES ($1, 'ms_1', 'a', '{}', NULL, now(), NULL)")
        .bind(project)
        .execute(&mut *writer)
        .await
        .unwrap();
    writer.commit().await.unwrap();
    until_gone(&world.pool, project).await;
}

#[tokio::test]
async fn an_emulator_that_starts_removes_what_another_has_left() {
    let mut world = impatient().await;
    world.stop_workers().await;
    let created = create(&world.manager(), "Team").await;
    let (client, project) = (client_of(&world, &created), number(&world.pool, &created.string("/id")).await);
    client.customer(json!({"source_id": "alice"})).await;
    client.post("/v1/customers/bulk/async", json!([{"source_id": "bob"}])).await.expect(202);
    // In the middle: the job is gone, the customer is held.
    let holder = world.hold("alice").await;
    let (manager, path) = (world.manager(), path_of(&created));
    let deleting = tokio::spawn(async move { manager.delete(&path).await.expect(204) });
    deleting.await.unwrap();
    holder.commit().await.unwrap();
    let left = rows(&world.pool, project).await;
    assert!(left.contains_key("customers") && !left.contains_key("jobs"), "{left:?}");
    let next = world.again(|_| {}).await;
    until_gone(&world.pool, project).await;
    client_of(&next, &created).get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn a_write_that_was_let_in_before_comes_too_late() {
    let world = World::new().await;
    let created = create(&world.manager(), "Team").await;
    let project = number(&world.pool, &created.string("/id")).await;
    // Another emulator, which believes the keys for a while.
    let other = world.again(|_| {}).await;
    let client = client_of(&other, &created);
    client.get("/v1/customers").await.expect(200);
    world.manager().delete(&path_of(&created)).await.expect(204);
    let order = json!({"customer": {"source_id": "alice"}});
    for (method, path, body) in [
        (Method::POST, "/v1/customers", json!({"source_id": "alice"})),
        (Method::POST, "/v1/orders", order),
        (Method::POST, "/v1/segments", json!({"name": "Some"})),
        (Method::POST, "/v1/customers/bulk/async", json!([{"source_id": "alice"}])),
        (Method::POST, "/v1/exports", json!({"exported_object": "customer"})),
        (Method::PUT, "/_emulator/consents/cnst_1", json!({"name": "News"})),
        (Method::POST, "/v1/metadata-schemas", json!({"related_object": "a", "properties": {}})),
        (Method::PUT, "/_emulator/project", json!({"name": "Mine"})),
        (Method::GET, "/_emulator/project", json!({})),
        (Method::GET, "/v1/customers?filters[name][conditions][$is]=a", json!({})),
    ] {
        client.call(method, path, Some(body.to_string())).await.expect(401);
    }
    assert_eq!(rows(&world.pool, project).await, BTreeMap::new());
}

/// Writes of every kind, over and over until the keys open nothing.
async fn write_on(client: Client, number: usize) -> Vec<u16> {
    let mut answers = Vec::new();
    for round in 0.. {
        let person = json!({"source_id": format!("{number}-{round}")});
        let (path, body): (_, Value) = match number % 4 {
            0 => ("/v1/customers", person),
            1 => ("/v1/orders", json!({"amount": 1, "customer": person})),
            2 => ("/v1/segments", json!({"name": "Some"})),
            _ => ("/v1/customers/bulk/async", json!([person, {"source_id": "same"}])),
        };
        let Answer { status, .. } = client.post(path, body).await;
        answers.push(status.as_u16());
        if status.as_u16() == 401 {
            break;
        }
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_writes_at_the_same_time_brings_a_row_back() {
    let world = World::new().await;
    let created = create(&world.manager(), "Team").await;
    let project = number(&world.pool, &created.string("/id")).await;
    let writers: Vec<_> = (0..8).map(|number| tokio::spawn(write_on(client_of(&world, &created), number))).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    world.manager().delete(&path_of(&created)).await.expect(204);
    for writer in writers {
        let answers = writer.await.unwrap();
        assert!(answers.len() > 1 && answers.iter().all(|status| [200, 202, 401].contains(status)), "{answers:?}");
    }
    until_gone(&world.pool, project).await;
    // The workers have turned to others, and nothing has come back.
    world.client().done("/v1/customers/bulk/async", json!([{"source_id": "alice"}])).await;
    assert_eq!(rows(&world.pool, project).await, BTreeMap::new());
}

#[tokio::test]
async fn a_job_that_is_under_way_ends_with_its_project() {
    let world = impatient().await;
    let created = create(&world.manager(), "Team").await;
    let (client, project) = (client_of(&world, &created), number(&world.pool, &created.string("/id")).await);
    client.customer(json!({"source_id": "alice"})).await;
    let holder = world.hold("alice").await;
    let records: Value =
        (0..3_000).map(|n| json!({"source_id": format!("c{n}")})).chain([json!({"source_id": "alice"})]).collect();
    client.post("/v1/customers/bulk/async", records).await.expect(202);
    client.post("/v1/exports", json!({"exported_object": "customer"})).await.expect(200);
    let mut looker = world.again(|_| {}).await.pool.acquire().await.unwrap();
    World::until_waiting(&mut looker, 1).await;
    world.manager().delete(&path_of(&created)).await.expect(204);
    holder.commit().await.unwrap();
    until_gone(&world.pool, project).await;
    world.client().done("/v1/customers/bulk/async", json!([{"source_id": "alice"}])).await;
}

#[tokio::test]
async fn whoever_manages_a_project_that_is_deleted_meanwhile_does_not_find_it() {
    let world = impatient().await;
    let created = create(&world.manager(), "Team").await;
    let (path, project) = (path_of(&created), number(&world.pool, &created.string("/id")).await);
    let manager = world.manager();
    let schema = json!({"related_object": "customer", "properties": {}});
    let schema = manager.post(&format!("{path}/metadata-schemas"), schema).await.expect(200).string("/id");
    let mut writer = world.connections.begin().await.unwrap();
    sqlx::query("SELECT lock_rules($1)").bind(project).execute(&mut *writer).await.unwrap();
    let calls = [
        (Method::POST, format!("{path}/metadata-schemas"), json!({"related_object": "order", "properties": {}})),
        (Method::PUT, format!("{path}/metadata-schemas/{schema}"), json!({"properties": {}})),
        (Method::DELETE, format!("{path}/metadata-schemas/{schema}"), json!({})),
        (Method::POST, format!("{path}/custom-event-schemas"), json!({"name": "e", "schema": {"properties": {}}})),
    ]
    .map(|(method, path, body)| {
        let manager = manager.clone();
        tokio::spawn(async move { manager.call(method, &path, Some(body.to_string())).await })
    });
    let mut looker = world.pool.acquire().await.unwrap();
    // The others stand behind the one that waits; whoever comes later is answered the same.
    World::until_waiting(&mut looker, 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(looker);
    manager.delete(&path).await.expect(204);
    writer.commit().await.unwrap();
    let gone = manager.get(&path).await.expect(404);
    assert!(gone.text.contains(&created.string("/id")), "{}", gone.text);
    for call in calls {
        assert_eq!(call.await.unwrap().expect(404).text, gone.text);
    }
}
