//! Requests that would take much memory or time if their work were not bounded.

use std::thread;

use serde_json::json;
use sqlx::Executor;
use voucherify_emulator::clock::Clock;

use crate::program::Program;
use crate::support::TestEmulator;

#[test]
#[cfg(target_os = "linux")]
fn parallel_bodies_of_many_small_arrays_take_bounded_memory_which_is_returned() {
    let program = Program::start(&["--ephemeral", "--request-timeout", "300"]);
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
    let before = program.peak_memory();
    let items = vec!["[0]"; 250_000].join(",");
    thread::scope(|scope| {
        let program = &program;
        let bodies = (0..120).map(|number| format!(r#"{{"source_id":"c{number}","metadata":{{"x":[{items}]}}}}"#));
        let calls: Vec<_> =
            bodies.map(|body| scope.spawn(move || program.call("POST", "/v1/customers", &body).0)).collect();
        for call in calls {
            assert_eq!(call.join().unwrap(), 200);
        }
    });
    let mebibytes = (program.peak_memory() - before) / (1024 * 1024);
    eprintln!("120 bodies took {mebibytes} MiB");
    assert!(mebibytes < 1_024, "{mebibytes} MiB");
    // The allocator returns memory while the threads that have used it serve other requests.
    let returned = (0..3_000).any(|_| {
        assert_eq!(program.call("GET", "/v1/customers/unknown", "").0, 404);
        program.resident_memory() < before + 160 * 1024 * 1024
    });
    assert!(returned, "{} of {mebibytes} MiB are kept", (program.resident_memory() - before) / (1024 * 1024));
}

#[tokio::test]
async fn long_text_is_compared_with_the_values_of_many_segments() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for segment in 0..16 {
        let mut values: Vec<_> = (0..999).map(|value| format!("aaaaaaaaaaaaaaaaaaaaaa{segment}b{value}")).collect();
        values.push(format!("end of {segment} at the end"));
        let filter = json!({"junction": "and", "metadata.x": {"conditions": {"$contains": values}}});
        let body = json!({"name": "S", "type": "auto-update", "filter": filter});
        client.post("/v1/segments", body).await.expect(200);
    }
    let text = "a".repeat(9_000) + "end of 7 at the end" + &"a".repeat(990_000) + "end of 8 at the end";
    let id = client.customer(json!({"source_id": "c", "metadata": {"x": text}})).await;
    for _ in 0..2 {
        let segments = client.get(&format!("/v1/customers/{id}/segments")).await.expect(200);
        assert_eq!(segments.json()["total"], 1);
        client.put(&format!("/v1/customers/{id}"), json!({"name": "changed"})).await.expect(200);
    }
}

#[tokio::test]
async fn list_with_filters_has_a_shorter_time_limit_than_a_request() {
    let emulator = TestEmulator::with(Clock::System, |_| {}).await;
    let client = emulator.client();
    client.customer(json!({"source_id": "c"})).await;
    // The list waits for this lock.
    let mut locking = emulator.pool.begin().await.unwrap();
    locking.execute("LOCK TABLE customers").await.unwrap();
    let refused = client.get("/v1/customers?filters[name][conditions][$contains]=x").await.expect(503);
    assert_eq!(refused.json()["details"], "A statement in the database took longer than its time limit");
    locking.rollback().await.unwrap();
    // The connection that had the shorter limit is used again.
    client.get("/v1/customers?filters[name][conditions][$contains]=x").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_lists_with_many_values_refuse_no_request_of_another_project() {
    let emulator = TestEmulator::with(Clock::System, |_| {}).await;
    let client = emulator.client();
    let text = "a".repeat(1_000_000);
    for number in 0..15 {
        let body = json!({"source_id": format!("c{number}"), "metadata": {"x": text}});
        client.post("/v1/customers", body).await.expect(200);
    }
    let other = emulator.other_project();
    other.customer(json!({"source_id": "c"})).await;
    let values: Vec<_> = (0..850)
        .map(|value| format!("filters[metadata.x][conditions][$contains][{value}]={}b{value}", "a".repeat(20)))
        .collect();
    let path = format!("/v1/customers?{}", values.join("&"));
    let lists: Vec<_> = (0..8)
        .map(|_| {
            let (client, path) = (client.clone(), path.clone());
            tokio::spawn(async move { client.get(&path).await })
        })
        .collect();
    let mut reads = 0;
    while reads < 20 || !lists.iter().all(tokio::task::JoinHandle::is_finished) {
        other.get("/v1/customers/c").await.expect(200);
        other.get("/v1/customers?filters[name][conditions][$contains]=x").await.expect(200);
        reads += 1;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for list in lists {
        let answer = list.await.unwrap();
        assert!([200, 503].contains(&answer.status.as_u16()), "{}", answer.text);
    }
}
