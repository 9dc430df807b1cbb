//! Lists that are read page by page, with the `created_at` of the last row as the cursor, as the SDKs do it.

use std::collections::BTreeSet;
use std::fmt::Write;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use voucherify_emulator::clock::Clock;

use crate::support::{Client, Receiver, TestEmulator, TestProject};
use crate::webhooks::webhook;

/// Reads all customers like the SDK: the next page begins after the extreme time of the last one. Returns their source
/// ids in the order of the pages.
async fn scroll(client: &Client, order: &str) -> Vec<String> {
    let (key, is_descending) = order.strip_prefix('-').map_or((order, false), |key| (key, true));
    let mut cursor = if is_descending { "2200-01-01T00:00:00Z" } else { "1970-01-01T00:00:00Z" }.to_owned();
    let mut source_ids = Vec::new();
    loop {
        let path = format!("/v1/customers?limit=100&order={order}&starting_after={cursor}");
        let page = client.get(&path).await.expect(200);
        source_ids.extend(page.column("customers", "source_id"));
        if page.json()["has_more"] != true {
            return source_ids;
        }
        let rows = page.json()["customers"].clone();
        let time = |row: &Value| row.get(key).unwrap_or(&row["created_at"]).as_str().unwrap().to_owned();
        let times = rows.as_array().unwrap().iter().map(time);
        cursor = if is_descending { times.min() } else { times.max() }.unwrap();
    }
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number:04}")).collect()
}

/// Runs a job that creates these customers.
async fn create_by_job(client: &Client, job: &str, names: &[String]) {
    match job {
        "bulk" => drop(client.done("/v1/customers/bulk/async", bulk(names)).await),
        "metadata" => {
            let body = json!({"source_ids": names, "metadata": {"m": 1}});
            client.done("/v1/customers/metadata/async", body).await;
        }
        "csv" => {
            let mut file = "source_id\n".to_owned();
            for name in names {
                writeln!(file, "{name}").unwrap();
            }
            client.import_csv(file).await;
        }
        _ => {
            let orders = names.iter().map(|name| json!({"source_id": name, "customer": {"source_id": name}}));
            client.done("/v1/orders/import", orders.collect()).await;
        }
    }
}

fn bulk(names: &[String]) -> Value {
    names.iter().map(|name| json!({"source_id": name})).collect()
}

async fn times_of(client: &Client, path: &str, list: &str) -> Vec<DateTime<Utc>> {
    let mut times = Vec::new();
    for page in 1.. {
        let rows = client.get(&format!("{path}?limit=100&page={page}")).await.expect(200).column(list, "created_at");
        if rows.is_empty() {
            return times;
        }
        times.extend(rows.iter().map(|time| time.parse::<DateTime<Utc>>().unwrap()));
    }
    times
}

#[tokio::test]
async fn every_customer_of_a_job_is_read_once() {
    for job in ["bulk", "metadata", "csv", "orders"] {
        let project = TestProject::new();
        let client = project.client();
        client.customer(json!({"source_id": "before"})).await;
        let names = names("c", 250);
        create_by_job(&client, job, &names).await;
        client.customer(json!({"source_id": "after"})).await;
        let mut expected = vec!["before".to_owned()];
        expected.extend(names);
        expected.push("after".to_owned());
        assert_eq!(scroll(&client, "created_at").await, expected, "{job}");
        expected.reverse();
        assert_eq!(scroll(&client, "-created_at").await, expected, "{job}");
    }
}

#[tokio::test]
async fn every_customer_that_a_job_changed_is_read_once_by_the_time_of_its_update() {
    let project = TestProject::new();
    let client = project.client();
    let names = names("c", 250);
    create_by_job(&client, "bulk", &names).await;
    let updates = names.iter().map(|name| json!({"source_id": name, "name": "N"}));
    client.done("/v1/customers/bulk/async", updates.collect()).await;
    client.put("/v1/customers/c0000", json!({"name": "M"})).await.expect(200);
    let mut expected = names[1..].to_vec();
    expected.push("c0000".to_owned());
    assert_eq!(scroll(&client, "updated_at").await, expected);
    expected.reverse();
    assert_eq!(scroll(&client, "-updated_at").await, expected);
}

#[tokio::test]
async fn rows_of_several_slices_and_jobs_show_times_of_their_own() {
    let project = TestProject::new();
    let client = project.client();
    let started = Clock::System.now();
    create_by_job(&client, "bulk", &names("a", 1_500)).await;
    create_by_job(&client, "orders", &names("b", 500)).await;
    let ended = Clock::System.now();
    // The first job has 1,500 rows, the second 500 orders and 500 customers.
    let customers = times_of(&client, "/v1/customers", "customers").await;
    let orders = times_of(&client, "/v1/orders", "orders").await;
    assert_eq!((customers.len(), orders.len()), (2_000, 500));
    for times in [&customers, &orders] {
        assert!(times.is_sorted_by(|newer, older| newer > older), "each has a millisecond of its own");
    }
    let all: BTreeSet<_> = customers.iter().chain(&orders).collect();
    assert_eq!(all.len(), 2_500);
    assert!(*all.last().unwrap() <= &(ended + TimeDelta::milliseconds(2_500)));
    assert!(*all.first().unwrap() >= &(started - TimeDelta::milliseconds(1)));
}

#[tokio::test]
async fn what_is_created_after_a_job_is_the_newest() {
    let project = TestProject::new();
    let client = project.client();
    create_by_job(&client, "orders", &names("j", 300)).await;
    let names = names("s", 5);
    for name in &names {
        client.post("/v1/orders", json!({"source_id": name, "customer": {"source_id": name}})).await.expect(200);
    }
    for (path, list) in [("/v1/customers", "customers"), ("/v1/orders", "orders")] {
        let listed = client.get(&format!("{path}?limit=6")).await.expect(200).column(list, "source_id");
        assert_eq!(listed, ["s0004", "s0003", "s0002", "s0001", "s0000", "j0299"]);
    }
    let customer = client.post("/v1/customers", json!({"source_id": "new"})).await.expect(200).json();
    let changed = client.put("/v1/customers/j0299", json!({"name": "N"})).await.expect(200).json();
    assert!(
        changed["updated_at"].as_str()
            > customer["created_at"].as_str().map(|_| changed["created_at"].as_str().unwrap())
    );
    assert_eq!(client.get("/v1/customers?limit=1").await.column("customers", "source_id"), ["new"]);
}

#[tokio::test]
async fn while_the_clock_is_frozen_a_single_write_shows_its_time_and_the_rows_of_a_job_follow() {
    let clock = Clock::fixed("2024-01-01T00:00:00Z".parse().unwrap());
    let emulator = TestEmulator::with(clock.clone(), |_| {}).await;
    let client = emulator.client();
    let created_at =
        async |name: &str| client.get(&format!("/v1/customers/{name}")).await.expect(200).string("/created_at");
    client.customer(json!({"source_id": "before"})).await;
    client.done("/v1/customers/bulk/async", bulk(&names("a", 3))).await;
    client.done("/v1/customers/bulk/async", bulk(&names("b", 2))).await;
    client.customer(json!({"source_id": "after"})).await;
    for (name, time) in [
        ("before", "2024-01-01T00:00:00.000Z"),
        ("a0000", "2024-01-01T00:00:00.000Z"),
        ("a0001", "2024-01-01T00:00:00.001Z"),
        ("a0002", "2024-01-01T00:00:00.002Z"),
        ("b0000", "2024-01-01T00:00:00.003Z"),
        ("b0001", "2024-01-01T00:00:00.004Z"),
        ("after", "2024-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(created_at(name).await, time, "{name}");
    }
    // Setting the clock begins the count anew, also when the rows are later than the clock.
    clock.set("2024-01-01T00:00:00.002Z".parse().unwrap());
    client.done("/v1/customers/bulk/async", bulk(&names("c", 2))).await;
    assert_eq!(created_at("c0000").await, "2024-01-01T00:00:00.002Z");
    assert_eq!(created_at("c0001").await, "2024-01-01T00:00:00.003Z");
}

#[tokio::test]
async fn webhooks_after_a_job_are_due_at_once() {
    let (emulator, receiver) = (TestEmulator::new().await, Receiver::start().await);
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created", "customer.updated"]).await;
    create_by_job(&client, "bulk", &names("c", 1_000)).await;
    client.post("/v1/customers", json!({"source_id": "new"})).await.expect(200);
    client.put("/v1/customers/c0999", json!({"name": "N"})).await.expect(200);
    receiver.received(2).await;
    let late: i64 =
        sqlx::query_scalar("SELECT count(*) FROM webhook_deliveries WHERE created_at > now() + interval '50 ms'")
            .fetch_one(&emulator.pool)
            .await
            .unwrap();
    assert_eq!(late, 0);
}

#[tokio::test]
async fn a_segment_that_waits_for_a_job_contains_all_its_rows() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    let job = client.post("/v1/customers/bulk/async", bulk(&names("c", 1_000))).await.expect(202);
    let filter = json!({"junction": "and", "created_at": {"conditions": {"$less_than_ago": [1]}}});
    let mut segments = Vec::new();
    // One of these segments waits while a slice of the job is written.
    for number in 0..20 {
        let body = json!({"name": format!("S{number}"), "type": "passive", "filter": filter});
        segments.push(client.post("/v1/segments", body).await.expect(200).string("/id"));
    }
    client.action(&job.string("/async_action_id")).await;
    for segment in segments {
        let path = format!("/v1/customers?segment_id={segment}");
        assert_eq!(client.get(&path).await.expect(200).json()["total"], 1_000);
    }
}

#[tokio::test]
async fn filters_by_time_find_all_rows_of_a_job() {
    let project = TestProject::new();
    let client = project.client();
    let filter = json!({"junction": "and", "created_at": {"conditions": {"$less_than_ago": [1]}}});
    let segment = async |name: &str| {
        let body = json!({"name": name, "type": "passive", "filter": filter});
        client.post("/v1/segments", body).await.expect(200).string("/id")
    };
    let before = segment("before").await;
    create_by_job(&client, "bulk", &names("c", 1_000)).await;
    let after = segment("after").await;
    for path in [
        format!("/v1/customers?segment_id={before}"),
        format!("/v1/customers?segment_id={after}"),
        "/v1/customers?filters[created_at][conditions][$less_than_ago]=1".to_owned(),
    ] {
        assert_eq!(client.get(&path).await.expect(200).json()["total"], 1_000, "{path}");
    }
}
