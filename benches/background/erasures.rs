//! Permanent deletions by several clients at once, of customers who stand in the same reports, exports or waiting jobs.

use std::time::Instant;

use sqlx::{Executor, PgConnection};

use super::load::{Target, customer};
use super::{run_job, start};
use voucherify_emulator::postgres::Cluster;

/// How many clients erase at the same time.
const CLIENTS: usize = 8;
/// How many customers are erased in one round.
const ERASED: usize = 24;
/// How many jobs name all of the customers.
const JOBS: usize = 12;
const ROUNDS: usize = 3;

/// What names the customers that are erased.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Nowhere,
    InReports,
    InExports,
    InWaitingJobs,
}

pub async fn run(cluster: &Cluster) {
    let (_server, target, mut connection) = start(cluster, "erasures").await;
    let parts: [(&'static str, Named, usize); 6] = [
        ("in no job", Named::Nowhere, 36),
        ("in 12 reports of 36 customers", Named::InReports, 36),
        ("in 12 reports of 1,000 customers", Named::InReports, 1_000),
        ("in 12 exports of 4,000 customers", Named::InExports, 4_000),
        ("in 12 waiting jobs of 36 customers", Named::InWaitingJobs, 36),
        ("in 12 waiting jobs of 1,000 customers", Named::InWaitingJobs, 1_000),
    ];
    for (name, named, customers) in parts {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            times.push(round(&target.project(name), &mut connection, named, customers).await);
        }
        println!(
            "{ERASED} permanent deletions by {CLIENTS} clients, customers {name:<38} {:>7.3} s",
            super::median(&mut times)
        );
    }
}

/// Creates the customers, names them in the jobs, and returns the seconds that the erasure of some of them takes.
async fn round(target: &Target, connection: &mut PgConnection, named: Named, customers: usize) -> f64 {
    let ids = target.fill(ERASED, |number| customer(&format!("source-{number}"))).await;
    let records = (0..customers).map(|number| customer(&format!("source-{number}"))).collect::<Vec<_>>();
    let body = format!("[{}]", records.join(","));
    run_job(target, "/v1/customers/bulk/async", &body).await;
    let is_blocked = named == Named::InWaitingJobs;
    if is_blocked {
        target.post("/v1/customers", r#"{"source_id":"locked"}"#).await;
        connection.execute("BEGIN; SELECT FROM customers WHERE source_id = 'locked' FOR UPDATE").await.unwrap();
        target.post("/v1/customers/bulk/async", r#"[{"source_id":"locked"}]"#).await;
    }
    for _ in 0..JOBS {
        match named {
            Named::Nowhere => {}
            Named::InExports => {
                target.post("/v1/exports", r#"{"exported_object":"customer","parameters":{}}"#).await;
            }
            Named::InReports | Named::InWaitingJobs => {
                target.post("/v1/customers/bulk/async", &body).await;
            }
        }
    }
    if !is_blocked {
        target.get("/_emulator/idle").await;
    }
    let started = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let target = target.clone();
            let share: Vec<_> = ids.iter().skip(client).step_by(CLIENTS).cloned().collect();
            tokio::spawn(async move {
                for id in share {
                    target.post(&format!("/v1/customers/{id}/permanent-deletion"), "").await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    let seconds = started.elapsed().as_secs_f64();
    if is_blocked {
        connection.execute("ROLLBACK").await.unwrap();
        target.get("/_emulator/idle").await;
    }
    seconds
}
