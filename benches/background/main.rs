//! Compares background jobs with hand-written SQL, in one run on one machine: see `benches/README.md`.
//!
//! `cargo bench --bench background` starts a cluster and the emulator's binary on it. `-- bulk`, `-- csv`, `-- export`,
//! `-- beside` or `-- erasures` run only that part.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that fails may stop")]

mod by_hand;
mod erasures;
#[path = "../support/load.rs"]
mod load;
#[path = "../support/server.rs"]
mod server;

use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use load::{Request, Target, median};
use server::Server;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection};
use voucherify_emulator::postgres::{Cluster, Durability, Programs};

const ROUNDS: usize = 7;
const UPDATED_CUSTOMERS: usize = 10_000;
const IMPORTED_CUSTOMERS: usize = 50_000;
const EXPORTED_CUSTOMERS: i64 = 1_000_000;

fn main() {
    let parts: Vec<String> = std::env::args().skip(1).filter(|part| !part.starts_with('-')).collect();
    let is_selected = |part: &str| parts.is_empty() || parts.iter().any(|selected| selected == part);
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let cluster = Cluster::start(&Durability::Persistent(directory.path().join("data")), &Programs::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        if is_selected("bulk") {
            bulk(&cluster).await;
        }
        if is_selected("csv") {
            csv(&cluster).await;
        }
        if is_selected("beside") {
            beside(&cluster).await;
        }
        if is_selected("erasures") {
            erasures::run(&cluster).await;
        }
        if is_selected("export") {
            export(&cluster).await;
        }
    });
    cluster.stop();
}

/// Creates a database and starts an emulator on it. Returns the server, its target and a connection to the database.
async fn start(cluster: &Cluster, name: &str) -> (Server, Target, PgConnection) {
    let mut main = cluster.main_database().connect().await.unwrap();
    main.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let options = cluster.options(name).options([("search_path", "voucherify_emulator")]);
    let url = format!("postgres://voucherify@localhost/{name}?host={}", options.get_socket().unwrap().display());
    let arguments = ["--listen", "127.0.0.1:0", "--database-url", &url];
    let server = Server::start(Command::new(env!("CARGO_BIN_EXE_voucherify-emulator")).args(arguments));
    let target = Target::new(&server.address, "/v1/customers");
    target.get("/v1/customers").await;
    (server, target, options.connect().await.unwrap())
}

/// Runs a job and returns the seconds from the request until it is done.
async fn run_job(target: &Target, path: &str, body: &str) -> f64 {
    let started = Instant::now();
    target.post(path, body).await;
    target.get("/_emulator/idle").await;
    started.elapsed().as_secs_f64()
}

/// Compares a bulk update of existing customers with the same update in hand-written SQL.
async fn bulk(cluster: &Cluster) {
    let (_server, target, mut connection) = start(cluster, "bulk").await;
    run_job(&target, "/v1/customers/bulk/async", &json(0)).await;
    by_hand::create_table(&mut connection).await;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=ROUNDS + 1 {
        let rows = by_hand::Rows::of((0..UPDATED_CUSTOMERS).map(|number| by_hand::Row::numbered(number, round)));
        connection.execute("CHECKPOINT").await.unwrap();
        let by_hand = by_hand::upsert(&mut connection, &rows).await;
        connection.execute("CHECKPOINT").await.unwrap();
        let job = run_job(&target, "/v1/customers/bulk/async", &json(round)).await;
        if round > 1 {
            ours.push(job);
            theirs.push(by_hand);
            ratios.push(by_hand / job);
        }
    }
    print("bulk update of 10,000 existing customers", &mut ours, &mut theirs, &mut ratios);
    let mut times = Vec::new();
    for _ in 0..50 {
        times.push(run_job(&target, "/v1/customers/bulk/async", r#"[{"source_id":"source-1"}]"#).await * 1_000.0);
    }
    println!(
        "bulk update of one customer, from the request until it is reported as done: {:.1} ms",
        median(&mut times)
    );
}

fn json(round: usize) -> String {
    let mut body = String::from("[");
    for number in 0..UPDATED_CUSTOMERS {
        let row = by_hand::Row::numbered(number, round);
        let comma = if number == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"source_id":"{}","name":"{}","email":"{}","phone":"{}","address":{{"city":"{}"}},"metadata":{}}}"#,
            row.source_id, row.name, row.email, row.phone, row.city, row.metadata
        );
    }
    body + "]"
}

/// Compares an import of new customers from a CSV file with the same inserts in hand-written SQL.
async fn csv(cluster: &Cluster) {
    let (_server, target, mut connection) = start(cluster, "csv").await;
    by_hand::create_table(&mut connection).await;
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..5 {
        let first = round * IMPORTED_CUSTOMERS;
        let rows =
            by_hand::Rows::of((first..first + IMPORTED_CUSTOMERS).map(|number| by_hand::Row::numbered(number, round)));
        let mut file = String::from("Source_id,Name,Email,Phone,Address_City,level,round\n");
        for number in first..first + IMPORTED_CUSTOMERS {
            let row = by_hand::Row::numbered(number, round);
            let _ =
                writeln!(file, "{},{},{},{},{},gold,{round}", row.source_id, row.name, row.email, row.phone, row.city);
        }
        connection.execute("CHECKPOINT").await.unwrap();
        let by_hand = by_hand::upsert(&mut connection, &rows).await;
        connection.execute("CHECKPOINT").await.unwrap();
        let body = format!(
            "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"x.csv\"\r\n\r\n{file}\r\n--edge--\r\n"
        );
        let started = Instant::now();
        target.post_as("multipart/form-data; boundary=edge", "/v1/customers/importCSV", &body).await;
        target.get("/_emulator/idle").await;
        let job = started.elapsed().as_secs_f64();
        if round > 0 {
            ours.push(job);
            theirs.push(by_hand);
            ratios.push(by_hand / job);
        }
    }
    print("CSV import of 50,000 new customers", &mut ours, &mut theirs, &mut ratios);
}

/// Compares requests during consecutive bulk updates with the same requests without them.
async fn beside(cluster: &Cluster) {
    let (_server, target, mut connection) = start(cluster, "beside").await;
    let (bulk, round_time) = (target.project("bulk"), Duration::from_secs(2));
    run_job(&bulk, "/v1/customers/bulk/async", &json(0)).await;
    let ids = target.fill(2_000, |index| load::customer(&format!("seed-{index}"))).await;
    connection.execute("VACUUM ANALYZE").await.unwrap();
    let requests = [
        ("GET one", Request::GetOne(ids)),
        ("GET a list of 100", Request::List),
        ("POST one (create)", Request::Create(None)),
    ];
    for (name, request) in requests {
        let (mut idle_rates, mut busy_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..=ROUNDS {
            let rate = target.rate(&request, 32, round_time).await;
            let jobs = tokio::spawn({
                let bulk = bulk.clone();
                async move {
                    for _ in 0..12 {
                        bulk.post("/v1/customers/bulk/async", &json(round)).await;
                    }
                }
            });
            jobs.await.unwrap();
            let busy_rate = target.rate(&request, 32, round_time).await;
            let is_finished = bulk.get("/v1/async-actions?limit=1").await.contains("\"progress\":100");
            assert!(!is_finished, "the jobs finished before the requests");
            bulk.get("/_emulator/idle").await;
            if round > 0 {
                idle_rates.push(rate);
                busy_rates.push(busy_rate);
                ratios.push(busy_rate / rate);
            }
        }
        println!(
            "{name:<20} during a bulk update {:>7.0}/s   without {:>7.0}/s   ratio {:.2}",
            median(&mut busy_rates),
            median(&mut idle_rates),
            median(&mut ratios)
        );
    }
}

/// Compares an export of a million customers with `COPY` of the same columns.
async fn export(cluster: &Cluster) {
    let (server, target, mut connection) = start(cluster, "export").await;
    by_hand::insert_customers(&mut connection, EXPORTED_CUSTOMERS).await;
    println!("resident memory before exports: {}", server.memory());
    for (name, fields, columns) in by_hand::EXPORTS {
        let body =
            format!(r#"{{"exported_object":"customer","parameters":{{"order":"created_at","fields":[{fields}]}}}}"#);
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..4 {
            connection.execute("CHECKPOINT").await.unwrap();
            let copied = by_hand::copy(&mut connection, columns).await;
            connection.execute("CHECKPOINT").await.unwrap();
            let exported = run_job(&target, "/v1/exports", &body).await;
            if round > 0 {
                ours.push(exported);
                theirs.push(copied);
                ratios.push(copied / exported);
            }
        }
        print(&format!("export of 1,000,000 customers, {name}"), &mut ours, &mut theirs, &mut ratios);
        println!("resident memory after them: {}", server.memory());
    }
}

fn print(name: &str, ours: &mut [f64], theirs: &mut [f64], ratios: &mut [f64]) {
    let (least, most) = (ratios.iter().copied().fold(f64::MAX, f64::min), ratios.iter().copied().fold(0.0, f64::max));
    println!(
        "{name:<60} {:>6.3} s   by hand {:>6.3} s   ratio {:.2} ({least:.2} to {most:.2})",
        median(ours),
        median(theirs),
        median(ratios)
    );
}
