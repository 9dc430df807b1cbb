//! Requests, jobs and restarts while a project is deleted.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use voucherify_emulator::clock::Clock;

use super::delete::{internal_id, rows};
use super::{PATH, client_of, create, path_of};
use crate::support::{Answer, Client, TestEmulator};

/// Starts an emulator whose deletions respond after one second, also when they are not finished.
async fn emulator_with_short_timeout() -> TestEmulator {
    TestEmulator::with(Clock::System, |config| config.request_timeout = Duration::from_secs(2)).await
}

/// Waits until the project and all its rows are deleted.
async fn wait_until_deleted(pool: &PgPool, project: i64) {
    let start = Instant::now();
    loop {
        let remaining = rows(pool, project).await;
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM projects WHERE id = $1)")
            .bind(project)
            .fetch_one(pool)
            .await
            .unwrap();
        if remaining.is_empty() && !exists {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(15), "{remaining:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_deletion_waits_for_open_writes_and_hides_the_project_meanwhile() {
    let emulator = emulator_with_short_timeout().await;
    let created = create(&emulator.manager(), "Team").await;
    let (client, project) = (client_of(&emulator, &created), internal_id(&emulator.pool, &created.string("/id")).await);
    client.customer(json!({"source_id": "alice"})).await;
    // Take the lock that every write holds until the end of its transaction.
    let mut writer = emulator.connections.begin().await.unwrap();
    sqlx::query("SELECT lock_rules_shared($1)").bind(project).execute(&mut *writer).await.unwrap();
    emulator.manager().delete(&path_of(&created)).await.expect(204);
    assert!(rows(&emulator.pool, project).await.contains_key("customers"));
    client.get("/v1/customers/alice").await.expect(401);
    emulator.manager().get(&path_of(&created)).await.expect(404);
    emulator.manager().delete(&path_of(&created)).await.expect(404);
    assert_eq!(emulator.manager().get(PATH).await.column("data", "name"), ["Sandbox Project"]);
    sqlx::query("INSERT INTO metadata_schemas VALUES ($1, 'ms_1', 'a', '{}', NULL, now(), NULL)")
        .bind(project)
        .execute(&mut *writer)
        .await
        .unwrap();
    writer.commit().await.unwrap();
    wait_until_deleted(&emulator.pool, project).await;
}

#[tokio::test]
async fn a_starting_emulator_finishes_the_deletion_of_a_stopped_one() {
    let mut emulator = emulator_with_short_timeout().await;
    emulator.stop_workers().await;
    let created = create(&emulator.manager(), "Team").await;
    let (client, project) = (client_of(&emulator, &created), internal_id(&emulator.pool, &created.string("/id")).await);
    client.customer(json!({"source_id": "alice"})).await;
    client.post("/v1/customers/bulk/async", json!([{"source_id": "bob"}])).await.expect(202);
    // The locked customer stops the deletion after it has deleted the job.
    let blocker = emulator.lock_customer("alice").await;
    let (manager, path) = (emulator.manager(), path_of(&created));
    let deleting = tokio::spawn(async move { manager.delete(&path).await.expect(204) });
    deleting.await.unwrap();
    blocker.commit().await.unwrap();
    let remaining = rows(&emulator.pool, project).await;
    assert!(remaining.contains_key("customers") && !remaining.contains_key("jobs"), "{remaining:?}");
    let restarted = emulator.start_another(|_| {}).await;
    wait_until_deleted(&emulator.pool, project).await;
    client_of(&restarted, &created).get("/v1/customers").await.expect(401);
}

#[tokio::test]
async fn requests_with_cached_keys_of_a_deleted_project_return_401_and_write_nothing() {
    let emulator = TestEmulator::new().await;
    let created = create(&emulator.manager(), "Team").await;
    let project = internal_id(&emulator.pool, &created.string("/id")).await;
    // The other emulator caches the keys.
    let other = emulator.start_another(|_| {}).await;
    let client = client_of(&other, &created);
    client.get("/v1/customers").await.expect(200);
    emulator.manager().delete(&path_of(&created)).await.expect(204);
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
    assert_eq!(rows(&emulator.pool, project).await, BTreeMap::new());
}

/// Sends writes of every kind until the keys are rejected, and returns the response statuses.
async fn write_until_rejected(client: Client, number: usize) -> Vec<u16> {
    let mut answers = Vec::new();
    for round in 0.. {
        let customer = json!({"source_id": format!("{number}-{round}")});
        let (path, body): (_, Value) = match number % 4 {
            0 => ("/v1/customers", customer),
            1 => ("/v1/orders", json!({"amount": 1, "customer": customer})),
            2 => ("/v1/segments", json!({"name": "Some"})),
            _ => ("/v1/customers/bulk/async", json!([customer, {"source_id": "same"}])),
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
async fn concurrent_writes_leave_no_row_of_a_deleted_project() {
    let emulator = TestEmulator::new().await;
    let created = create(&emulator.manager(), "Team").await;
    let project = internal_id(&emulator.pool, &created.string("/id")).await;
    let writers: Vec<_> =
        (0..8).map(|number| tokio::spawn(write_until_rejected(client_of(&emulator, &created), number))).collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    emulator.manager().delete(&path_of(&created)).await.expect(204);
    for writer in writers {
        let answers = writer.await.unwrap();
        assert!(answers.len() > 1 && answers.iter().all(|status| [200, 202, 401].contains(status)), "{answers:?}");
    }
    wait_until_deleted(&emulator.pool, project).await;
    // When this job is done, the workers have dropped the jobs of the deleted project and have written no row of it.
    emulator.client().done("/v1/customers/bulk/async", json!([{"source_id": "alice"}])).await;
    assert_eq!(rows(&emulator.pool, project).await, BTreeMap::new());
}

#[tokio::test]
async fn running_jobs_end_with_the_deletion_of_their_project() {
    let emulator = emulator_with_short_timeout().await;
    let created = create(&emulator.manager(), "Team").await;
    let (client, project) = (client_of(&emulator, &created), internal_id(&emulator.pool, &created.string("/id")).await);
    client.customer(json!({"source_id": "alice"})).await;
    let blocker = emulator.lock_customer("alice").await;
    let records: Value =
        (0..3_000).map(|n| json!({"source_id": format!("c{n}")})).chain([json!({"source_id": "alice"})]).collect();
    client.post("/v1/customers/bulk/async", records).await.expect(202);
    client.post("/v1/exports", json!({"exported_object": "customer"})).await.expect(200);
    let mut observer = emulator.start_another(|_| {}).await.pool.acquire().await.unwrap();
    TestEmulator::wait_until_blocked(&mut observer, 1).await;
    emulator.manager().delete(&path_of(&created)).await.expect(204);
    blocker.commit().await.unwrap();
    wait_until_deleted(&emulator.pool, project).await;
    emulator.client().done("/v1/customers/bulk/async", json!([{"source_id": "alice"}])).await;
}

#[tokio::test]
async fn management_requests_that_wait_for_a_deleted_project_return_404() {
    let emulator = emulator_with_short_timeout().await;
    let created = create(&emulator.manager(), "Team").await;
    let (path, project) = (path_of(&created), internal_id(&emulator.pool, &created.string("/id")).await);
    let manager = emulator.manager();
    let schema = json!({"related_object": "customer", "properties": {}});
    let schema = manager.post(&format!("{path}/metadata-schemas"), schema).await.expect(200).string("/id");
    let mut writer = emulator.connections.begin().await.unwrap();
    sqlx::query("SELECT lock_rules_exclusive($1)").bind(project).execute(&mut *writer).await.unwrap();
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
    let mut observer = emulator.pool.acquire().await.unwrap();
    // One waiting request is enough: the others wait behind it or start later, and all get the same response.
    TestEmulator::wait_until_blocked(&mut observer, 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(observer);
    manager.delete(&path).await.expect(204);
    writer.commit().await.unwrap();
    let not_found = manager.get(&path).await.expect(404);
    assert!(not_found.text.contains(&created.string("/id")), "{}", not_found.text);
    for call in calls {
        assert_eq!(call.await.unwrap().expect(404).text, not_found.text);
    }
}
