//! Tests the job queue: jobs of a project run in order, on any emulator, and each record is applied once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{TestEmulator, TestProject};

fn records(count: usize, value: impl Into<Value>) -> Value {
    let value = value.into();
    (0..count).map(|number| json!({"source_id": format!("c{number}"), "metadata": {"v": value}})).collect()
}

#[tokio::test]
async fn jobs_of_project_run_in_order_of_arrival() {
    let project = TestProject::new();
    let client = project.client();
    let mut ids = Vec::new();
    for value in 0..5 {
        let answer = client.post("/v1/customers/bulk/async", records(1500, value)).await.expect(202);
        ids.push(answer.string("/async_action_id"));
    }
    client.get("/_emulator/idle").await.expect(200);
    let list = client.get("/v1/customers?limit=100").await.expect(200).json();
    assert_eq!(list["total"], 1500);
    for customer in list["customers"].as_array().unwrap() {
        assert_eq!(customer["metadata"]["v"], 4, "the last job wins");
    }
    let mut finished_at = Vec::new();
    for id in &ids {
        let action = client.get(&format!("/v1/async-actions/{id}")).await.expect(200).json();
        assert_eq!((action["status"].as_str(), action["result"]["done_count"].as_i64()), (Some("DONE"), Some(1500)));
        finished_at.push(action["updated_at"].as_str().unwrap().to_owned());
    }
    assert!(finished_at.is_sorted(), "{finished_at:?}");
}

#[tokio::test]
async fn queued_and_running_jobs_show_their_status_and_progress() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "c1200"})).await;
    // Block the second slice.
    let mut blocker = emulator.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM customers WHERE project_id = 1 AND source_id = 'c1200' FOR UPDATE")
        .execute(&mut *blocker)
        .await
        .unwrap();
    let first = client.post("/v1/customers/bulk/async", records(3000, 1)).await.expect(202).string("/async_action_id");
    let second = client.post("/v1/customers/bulk/async", records(1, 2)).await.expect(202).string("/async_action_id");
    let started = Instant::now();
    loop {
        let action = client.get(&format!("/v1/async-actions/{first}")).await.expect(200).json();
        assert_eq!((action["status"].as_str(), &action["result"]), (Some("IN_PROGRESS"), &Value::Null));
        if action["progress"] == 33 {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let waiting = client.get(&format!("/v1/async-actions/{second}")).await.expect(200).json();
    assert_eq!((waiting["status"].as_str(), &waiting["progress"]), (Some("ENQUEUED"), &json!(0)));
    assert!(waiting.get("operation_status").is_none());
    // Jobs of another project are not blocked.
    emulator.other_project().done("/v1/customers/bulk/async", records(10, 3)).await;
    blocker.rollback().await.unwrap();
    assert_eq!(client.action(&second).await["result"]["done_count"], 1);
    assert_eq!(client.get("/v1/customers/c0").await.json()["metadata"]["v"], 2);
}

#[tokio::test]
async fn small_job_starts_without_waiting_for_poll() {
    let project = TestProject::new();
    let client = project.client();
    // Polling runs every two seconds, so ten consecutive jobs would take much longer if they waited for it.
    let started = Instant::now();
    for _ in 0..10 {
        client.done("/v1/customers/bulk/async", records(1, 1)).await;
    }
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}

#[tokio::test]
async fn job_without_notification_is_found_by_polling() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "c0"})).await;
    sqlx::query(
        "INSERT INTO jobs (project_id, id, type, app_id, request_id, token, records, created_at, updated_at)
         SELECT project_id, 'aa_000000000000000001', 'CUSTOMERS.BULK_UPDATE', 'x', 'v-000000000000000001', '1.x', 1, now(), now()
         FROM customers",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    emulator.note_job().await;
    client.action("aa_000000000000000001").await;
}

#[tokio::test]
async fn two_emulators_share_queue_and_apply_each_record_once() {
    let emulator = TestEmulator::new().await;
    let other = emulator.start_another(|_| {}).await;
    let mut actions = Vec::new();
    for project in 0..6 {
        let emulator = if project % 2 == 0 { &emulator } else { &other };
        let client = emulator.client_with(&format!("project {project}"), "token");
        for _ in 0..3 {
            let answer = client.post("/v1/customers/bulk/async", records(2500, project)).await.expect(202);
            actions.push((client.clone(), answer.string("/async_action_id")));
        }
    }
    for (number, (client, id)) in actions.iter().enumerate() {
        let action = client.action(id).await;
        assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(2500), &json!(0)));
        let report = client.download(action["result"]["reports"][0].as_str().unwrap()).await.expect(200);
        // A record of the first job creates its customer; it would find it if it was applied twice.
        let line = if number % 3 == 0 { ",false,true" } else { ",true,true" };
        assert_eq!(report.text.lines().skip(1).filter(|row| row.ends_with(line)).count(), 2500);
        assert_eq!(client.get("/v1/customers").await.json()["total"], 2500);
    }
}

#[tokio::test]
async fn job_accepted_by_one_emulator_is_run_by_another() {
    let mut emulator = TestEmulator::new().await;
    let _other = emulator.start_another(|_| {}).await;
    emulator.stop_workers().await;
    let started = Instant::now();
    for _ in 0..5 {
        emulator.client().done("/v1/customers/bulk/async", records(10, 1)).await;
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "the job was found by polling, not by its notification: {:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn shared_metadata_counts_toward_size_of_each_record() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.customer(json!({"source_id": "locked"})).await;
    let mut blocker = emulator.lock_customer("locked").await;
    client.post("/v1/customers/bulk/async", json!([{"source_id": "locked", "name": "N"}])).await.expect(202);
    let source_ids: Vec<_> = (0..10).map(|number| format!("c{number}")).collect();
    let body = json!({"source_ids": source_ids, "metadata": {"text": "x".repeat(300_000)}});
    let id = client.post("/v1/customers/metadata/async", body).await.expect(202).string("/async_action_id");
    let sizes: Vec<i32> =
        sqlx::query_scalar("SELECT cardinality(records) FROM job_slices WHERE job_id = $1 ORDER BY number")
            .bind(&id)
            .fetch_all(&mut *blocker)
            .await
            .unwrap();
    assert_eq!(sizes, [4, 4, 2], "a slice has about one megabyte");
    blocker.rollback().await.unwrap();
    assert_eq!(client.action(&id).await["result"]["done_count"], 10);
    let parameters: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE parameters IS NOT NULL")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    assert_eq!(parameters, 0, "the parameters of the request are deleted");
}
