//! Measures the reset and the restore of a project in single creates and against hand-written SQL, in one run on one
//! machine: see `benches/README.md`.
//!
//! `cargo bench --bench state` starts a cluster and the emulator's binary on it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that fails may stop")]

#[allow(dead_code, reason = "other benchmarks use more of it")]
#[path = "../support/load.rs"]
mod load;
#[allow(dead_code, reason = "other benchmarks use more of it")]
#[path = "../support/server.rs"]
mod server;

use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use load::{Request, Target, median};
use server::Server;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use voucherify_emulator::postgres::{Cluster, Durability, Programs};

const ROUNDS: usize = 9;
const CUSTOMERS: usize = 1_000;
const OTHER_PROJECTS: i64 = 10_000;
const CREATE_TIME: Duration = Duration::from_millis(300);
/// The tables that the copy by hand fills, each after those that it refers to.
const TABLES: [&str; 6] =
    ["customers", "orders", "custom_events", "customer_event_counts", "customer_activity", "row_counts"];

fn main() {
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let persistent = Durability::Persistent(directory.path().join("data"));
    for (name, durability) in [("durable", persistent), ("ephemeral", Durability::Ephemeral)] {
        println!("\n# {name} settings, median of {ROUNDS} rounds");
        let cluster = Cluster::start(&durability, &Programs::default()).unwrap();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(&cluster));
        cluster.stop();
    }
}

async fn compare(cluster: &Cluster) {
    let mut main = cluster.main_database().connect().await.unwrap();
    main.execute("CREATE DATABASE state").await.unwrap();
    let options = cluster.options("state").options([("search_path", "voucherify_emulator")]);
    let url = format!("postgres://voucherify@localhost/state?host={}", options.get_socket().unwrap().display());
    let arguments = ["--listen", "127.0.0.1:0", "--database-url", &url];
    let server = Server::start(Command::new(env!("CARGO_BIN_EXE_voucherify-emulator")).args(arguments));
    let target = Target::new(&server.address, "/v1/customers");
    let mut connection = options.connect().await.unwrap();
    fill(&target, &server.address).await;
    let snapshot = target.put("/_emulator/snapshots/world").await;
    assert!(snapshot.contains(r#""customers":1000,"orders":1000,"events":2000"#), "{snapshot}");
    let alone = measure(&target, &mut connection, "alone").await;
    add_other_projects(&mut connection).await;
    let among = measure(&target, &mut connection, "among 10,000 others").await;
    println!("among others / alone: reset {:.2}, restore {:.2}", among[0] / alone[0], among[1] / alone[1]);
}

/// Creates customers, with an order and two custom events each.
async fn fill(target: &Target, address: &str) {
    target.fill(CUSTOMERS, |index| load::customer(&format!("c{index}"))).await;
    let orders = Target::new(address, "/v1/orders");
    let order = |index| format!(r#"{{"amount":1000,"status":"PAID","customer":{{"source_id":"c{index}"}}}}"#);
    orders.fill(CUSTOMERS, order).await;
    let batch = |index: usize| {
        format!(r#"{{"event":"visit","customer":{{"source_id":"c{}"}},"metadata":{{"page":"home"}}}}"#, index / 2)
    };
    let events = Target::new(address, "/v1/events");
    events.repeat(2 * CUSTOMERS, batch).await;
}

/// Prints the medians of a reset, a restore, a copy by hand and a single create, in seconds, and returns those of the first two.
async fn measure(target: &Target, connection: &mut PgConnection, name: &str) -> [f64; 2] {
    let [mut resets, mut restores, mut copies, mut creates] = [const { Vec::new() }; 4];
    let project: i64 =
        sqlx::query_scalar("SELECT snapshot_of FROM projects WHERE snapshot_of IS NOT NULL AND deleted_at IS NULL")
            .fetch_one(&mut *connection)
            .await
            .unwrap();
    connection.execute("VACUUM ANALYZE").await.unwrap();
    let other = target.project("other");
    for round in 0..=ROUNDS {
        let create = 1.0 / other.rate(&Request::Create(None), 1, CREATE_TIME).await;
        let copy = copy_by_hand(connection, project).await;
        let started = Instant::now();
        let answer = target.post("/_emulator/reset", "").await;
        let reset = started.elapsed().as_secs_f64();
        assert!(answer.contains(r#""orders":1000"#), "{answer}");
        let started = Instant::now();
        let answer = target.post("/_emulator/snapshots/world/restore", "").await;
        let restore = started.elapsed().as_secs_f64();
        assert!(answer.contains(r#""orders":1000"#), "{answer}");
        // The first round is a warm-up and is not counted.
        if round > 0 {
            resets.push(reset);
            restores.push(restore);
            copies.push(copy);
            creates.push(create);
        }
    }
    let [reset, restore, copy, create] = [resets, restores, copies, creates].map(|mut times| median(&mut times));
    println!(
        "{name}: create {:.2} ms, reset {:.1} ms = {:.0} creates, copy by hand {:.1} ms, restore {:.1} ms = {:.2} copies",
        create * 1e3,
        reset * 1e3,
        reset / create,
        copy * 1e3,
        restore * 1e3,
        restore / copy
    );
    [reset, restore]
}

/// Copies the rows of the project under another number with one `INSERT ... SELECT` for each table, and returns the seconds. The
/// copy is deleted then.
async fn copy_by_hand(connection: &mut PgConnection, project: i64) -> f64 {
    let copy = -project;
    let mut statements = String::from("BEGIN;");
    for table in TABLES {
        let columns: String = sqlx::query_scalar(
            "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns
             WHERE table_name = $1 AND column_name <> 'project_id'",
        )
        .bind(table)
        .fetch_one(&mut *connection)
        .await
        .unwrap();
        write!(
            statements,
            "INSERT INTO {table} (project_id, {columns}) SELECT {copy}, {columns} FROM {table} WHERE project_id = {project};"
        )
        .unwrap();
    }
    statements += "COMMIT";
    let started = Instant::now();
    connection.execute(AssertSqlSafe(statements)).await.unwrap();
    let elapsed = started.elapsed().as_secs_f64();
    let mut transaction = connection.begin().await.unwrap();
    transaction.execute("SET LOCAL session_replication_role = replica").await.unwrap();
    for table in TABLES.iter().rev() {
        transaction.execute(AssertSqlSafe(format!("DELETE FROM {table} WHERE project_id = {copy}"))).await.unwrap();
    }
    transaction.commit().await.unwrap();
    connection.execute("VACUUM").await.unwrap();
    elapsed
}

/// Adds projects with some customers, orders and events each.
async fn add_other_projects(connection: &mut PgConnection) {
    let statements = format!(
        "INSERT INTO projects (organisation_id, public_id, name, webhook_token, created_at)
         SELECT 1, 'proj_other_' || n, 'Other', '', now() FROM generate_series(1, {OTHER_PROJECTS}) n;
         INSERT INTO customers (project_id, id, source_id, profile, created_at, changed_at)
         SELECT p.id, 'cust_' || n, 'c' || n, '{{}}', now(), now() FROM projects p, generate_series(1, 5) n WHERE name = 'Other';
         INSERT INTO orders (project_id, id, customer_id, status, amount, created_at)
         SELECT p.id, 'ord_' || n, 'cust_' || n, 'PAID', 1, now() FROM projects p, generate_series(1, 5) n WHERE name = 'Other';
         INSERT INTO custom_events (project_id, customer_id, id, type, metadata, created_at)
         SELECT p.id, 'cust_1', 'event_' || n, 'visit', '{{}}', now() FROM projects p, generate_series(1, 5) n WHERE name = 'Other';
         INSERT INTO customer_activity (project_id, customer_id, id, type, group_id, data, created_at)
         SELECT p.id, 'cust_1', 'evcus_' || n, 'customer.created', '', '{{}}', now()
         FROM projects p, generate_series(1, 5) n WHERE name = 'Other'"
    );
    connection.execute(AssertSqlSafe(statements)).await.unwrap();
}
