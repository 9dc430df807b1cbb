//! Erasures at the same time, and beside other writers of the same customers: none waits for a deadlock to be resolved.
//!
//! PostgreSQL finds a deadlock after a second, and the emulator repeats the transaction that was ended. So requests succeed
//! even then, and only the counter of the database shows it.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::schema::{CUSTOMER_DEPENDENTS, ErasureAction};
use crate::support::{Client, TestEmulator};

const BULK: &str = "/v1/customers/bulk/async";
/// How many customers each test has.
const CUSTOMERS: usize = 36;
/// The customers whose number is below this are erased.
const ERASED: usize = 24;
/// How many clients erase at the same time.
const CLIENTS: usize = 8;
/// How many jobs name all of the customers.
const JOBS: usize = 12;

fn source_id(number: usize) -> String {
    format!("c{number}")
}

/// Two emulators on one database, so that eight clients have eight connections.
struct Emulators {
    first: TestEmulator,
    second: TestEmulator,
}

impl Emulators {
    async fn start() -> Self {
        let first = TestEmulator::new().await;
        let second = first.start_another(|_| {}).await;
        Self { first, second }
    }

    /// Returns the client with that number.
    fn client(&self, number: usize) -> Client {
        if number.is_multiple_of(2) { self.first.client() } else { self.second.client() }
    }

    /// Erases the customers with these ids: each client its share of them, one after the other. Returns the counts.
    async fn erase(&self, ids: &[String]) -> Vec<Value> {
        let shares = (0..CLIENTS).map(|number| {
            let share: Vec<_> = ids.iter().skip(number).step_by(CLIENTS).cloned().collect();
            let client = self.client(number);
            tokio::spawn(async move {
                let mut counts = Vec::new();
                for id in share {
                    let path = format!("/v1/customers/{id}/permanent-deletion");
                    counts.push(client.post(&path, json!({})).await.expect(200).json()["data_json"].clone());
                }
                counts
            })
        });
        join_all(shares).await.into_iter().flat_map(Result::unwrap).collect()
    }

    /// Ends the connections of both emulators and returns how many deadlocks the database has counted. A connection adds
    /// its own deadlocks to the counter when it ends.
    async fn end_and_count_deadlocks(self) -> i64 {
        let Self { mut first, mut second } = self;
        first.stop_workers().await;
        second.stop_workers().await;
        first.connections.close().await;
        second.connections.close().await;
        for _ in 0..1_000 {
            let others: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            .fetch_one(&first.pool)
            .await
            .unwrap();
            if others == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(&first.pool)
            .await
            .unwrap()
    }
}

/// Returns one record for each customer, in an order that differs from job to job.
fn records(job: usize) -> Value {
    let numbers = (0..CUSTOMERS).map(|number| (number * 5 + job * 7) % CUSTOMERS);
    numbers.map(|number| json!({"source_id": source_id(number), "metadata": {"job": job}})).collect()
}

async fn create_customers(client: &Client) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..CUSTOMERS {
        ids.push(client.customer(json!({"source_id": source_id(number)})).await);
    }
    ids
}

/// Returns the source ids in the report of a job, sorted.
async fn reported(client: &Client, job: &str) -> Vec<String> {
    let action = client.action(job).await;
    let report = client.download(action["result"]["reports"][0].as_str().unwrap()).await.expect(200);
    let mut names: Vec<_> =
        report.text.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

fn remaining() -> Vec<String> {
    let mut names: Vec<_> = (ERASED..CUSTOMERS).map(source_id).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_erasures_of_customers_in_the_same_reports_do_not_deadlock() {
    let emulators = Emulators::start().await;
    let client = emulators.client(0);
    let ids = create_customers(&client).await;
    let mut jobs = Vec::new();
    for job in 0..JOBS {
        jobs.push(client.post(BULK, records(job)).await.expect(202).string("/async_action_id"));
    }
    client.action(&jobs[JOBS - 1]).await;
    let counts = emulators.erase(&ids[..ERASED]).await;
    assert_eq!(counts.len(), ERASED);
    for job in &jobs {
        assert_eq!(reported(&client, job).await, remaining());
        assert_eq!(client.action(job).await["result"]["done_count"], CUSTOMERS, "the counts of the job stay");
    }
    assert_eq!(client.get("/v1/customers").await.json()["total"], CUSTOMERS - ERASED);
    assert_eq!(emulators.end_and_count_deadlocks().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_erasures_of_customers_in_the_same_waiting_jobs_do_not_deadlock() {
    let emulators = Emulators::start().await;
    let client = emulators.client(0);
    let ids = create_customers(&client).await;
    client.customer(json!({"source_id": "locked"})).await;
    for id in &ids[..ERASED] {
        let order = json!({"source_id": format!("order of {id}"), "customer": {"id": id}});
        client.post("/v1/orders", order).await.expect(200);
    }
    let blocker = emulators.first.lock_customer("locked").await;
    client.post(BULK, json!([{"source_id": "locked", "name": "N"}])).await.expect(202);
    let mut jobs = Vec::new();
    for job in 0..JOBS {
        jobs.push(client.post(BULK, records(job)).await.expect(202).string("/async_action_id"));
        // Records that name an order without its customer are erased with the order.
        let orders = ids.iter().skip(job).chain(ids.iter().take(job));
        let orders: Value = orders.map(|id| json!({"source_id": format!("order of {id}"), "amount": job})).collect();
        client.post("/v1/orders/import", orders).await.expect(200);
    }
    let counts = emulators.erase(&ids[..ERASED]).await;
    assert_eq!(counts.iter().filter(|counts| counts["orders"] == 1).count(), ERASED);
    blocker.rollback().await.unwrap();
    client.get("/_emulator/idle").await.expect(200);
    for job in &jobs {
        assert_eq!(reported(&client, job).await, remaining());
    }
    assert_eq!(client.get("/v1/customers").await.json()["total"], CUSTOMERS - ERASED + 1);
    assert_eq!(
        client.get("/v1/orders").await.json()["total"],
        CUSTOMERS - ERASED,
        "the import creates the other orders"
    );
    assert_eq!(emulators.end_and_count_deadlocks().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_erasures_of_each_others_referrers_do_not_deadlock() {
    let emulators = Emulators::start().await;
    let client = emulators.client(0);
    let ids = create_customers(&client).await;
    for number in 0..ERASED {
        // Every customer is the referrer of the orders of the others.
        for step in [1, 2, 3, 9, 14, 23] {
            let order = json!({"customer": {"id": ids[number]}, "referrer": {"id": ids[(number + step) % ERASED]}});
            client.post("/v1/orders", order).await.expect(200);
        }
        let order = json!({"customer": {"id": ids[ERASED]}, "referrer": {"id": ids[number]}});
        client.post("/v1/orders", order).await.expect(200);
    }
    for _ in 0..4 {
        client.post("/v1/segments", json!({"name": "S", "customers": ids})).await.expect(200);
    }
    let counts = emulators.erase(&ids[..ERASED]).await;
    let sum = |member: &str| counts.iter().map(|counts| counts[member].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("orders"), sum("segments")), (ERASED as u64 * 6, ERASED as u64 * 4));
    let orders = client.get("/v1/orders?limit=100").await.expect(200).json();
    assert_eq!(orders["total"], ERASED);
    assert!(orders["orders"].as_array().unwrap().iter().all(|order| order["referrer_id"].is_null()));
    for segment in client.get("/v1/segments").await.expect(200).column("data", "id") {
        let members = client.get(&format!("/v1/customers?segment_id={segment}")).await.expect(200).json();
        assert_eq!(members["total"], CUSTOMERS - ERASED);
    }
    assert_eq!(emulators.end_and_count_deadlocks().await, 0);
}

/// Sends a request about customers that are erased at the same time, of a kind that depends on `round`.
async fn write(client: &Client, ids: &[String], round: usize) {
    let (one, other) = (round % CUSTOMERS, (round * 11 + 5) % CUSTOMERS);
    let customer = json!({"source_id": source_id(one), "metadata": {"round": round}});
    let answer = match round % 8 {
        0 => client.post("/v1/customers", customer).await,
        1 => client.put(&format!("/v1/customers/{}", ids[one]), json!({"metadata": {"round": round}})).await,
        2 => client.post(BULK, records(round)).await,
        3 => {
            let orders = (0..CUSTOMERS).map(|number| {
                let referrer = (number * 7 + round) % CUSTOMERS;
                json!({"source_id": format!("o{number}"), "status": "PAID", "amount": round,
                    "customer": {"source_id": source_id(number)}, "referrer": {"source_id": source_id(referrer)}})
            });
            client.post("/v1/orders/import", orders.collect()).await
        }
        4 => {
            let order = json!({"amount": 1, "status": "PAID", "customer": customer, "referrer": {"id": ids[other]}});
            client.post("/v1/orders", order).await
        }
        5 => client.post("/v1/events", json!({"event": "e", "customer": customer})).await,
        6 => client.delete(&format!("/v1/customers/{}", ids[one])).await,
        _ => {
            let parameters = json!({"exported_object": "order", "parameters": {}});
            client.post("/v1/exports", parameters).await
        }
    };
    assert!([200, 202, 204, 404].contains(&answer.status.as_u16()), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_erasures_beside_jobs_and_requests_for_the_same_customers_do_not_deadlock() {
    let emulators = Emulators::start().await;
    let client = emulators.client(0);
    let filter = json!({"junction": "and", "metadata.round": {"conditions": {"$more_than": [3]}}});
    let segment = json!({"name": "F", "type": "auto-update", "filter": filter});
    client.post("/v1/segments", segment).await.expect(200);
    let webhook = json!({"target_url": "http://127.0.0.1:9/", "events": ["customer.created", "customer.updated"]});
    client.post("/_emulator/webhooks", webhook).await.expect(200);
    let ids = create_customers(&client).await;
    client.post("/v1/segments", json!({"name": "S", "customers": ids})).await.expect(200);
    for round in 0..16 {
        write(&client, &ids, round).await;
    }
    let writers = (0..4).map(|writer| {
        let (client, ids) = (emulators.client(writer), ids.clone());
        tokio::spawn(async move {
            for round in 0..24 {
                write(&client, &ids, round * 5 + writer * 3).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let counts = emulators.erase(&ids[..ERASED]).await;
    assert_eq!(counts.len(), ERASED);
    for writer in writers {
        writer.await.unwrap();
    }
    client.get("/_emulator/idle").await.expect(200);
    for (table, column, action) in CUSTOMER_DEPENDENTS {
        if matches!(action, ErasureAction::ClearElements | ErasureAction::Keep) {
            continue;
        }
        let statement = format!("SELECT count(*) FROM {table} WHERE {column} = ANY($1)");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .bind(&ids[..ERASED])
            .fetch_one(&emulators.first.pool)
            .await
            .unwrap();
        assert_eq!(left, 0, "{table}.{column}");
    }
    assert_eq!(emulators.end_and_count_deadlocks().await, 0);
}
