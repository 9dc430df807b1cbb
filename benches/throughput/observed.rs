//! What it costs to observe the emulator: requests with traces and without, and requests to this build and to another one, for instance
//! one without metrics, which the variable `OTHER_PROGRAM` names.

use std::process::Command;

use axum::Router;
use axum::http::StatusCode;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use voucherify_emulator::postgres::Cluster;

use super::load::{self, Request, Target};
use super::server::Server;
use super::{CONNECTIONS, STORED, compare_pair};

/// Accepts everything until the process is killed, as a collector of traces.
pub fn collect() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("ready on http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(async |_: axum::body::Bytes| StatusCode::OK);
        axum::serve(listener, router).await.unwrap();
    });
}

/// Compares reads and creations with those of the emulator `ours`, whose customers have the `ids`.
pub async fn compare(cluster: &Cluster, ours: &Target, ids: &[String]) {
    let collector = Server::start(Command::new(std::env::current_exe().unwrap()).arg("collect"));
    let program = env!("CARGO_BIN_EXE_voucherify-emulator");
    let endpoint = format!("http://{}", collector.address);
    let traced = start(cluster, "traced", program, &["--otlp-endpoint", &endpoint]).await;
    compare_both("with traces", &traced, ours, ids).await;
    if let Ok(other) = std::env::var("OTHER_PROGRAM") {
        let other = start(cluster, "other", &other, &[]).await;
        compare_both("other program", &other, ours, ids).await;
    }
}

/// An emulator with customers on a database of its own.
struct Filled {
    target: Target,
    ids: Vec<String>,
    _server: Server,
}

async fn start(cluster: &Cluster, database: &str, program: &str, options: &[&str]) -> Filled {
    let mut connection = cluster.main_database().connect().await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {database}"))).await.unwrap();
    connection.close().await.unwrap();
    let connect = cluster.options(database);
    let url = format!("postgres://voucherify@localhost/{database}?host={}", connect.get_socket().unwrap().display());
    let server =
        Server::start(Command::new(program).args(["--listen", "127.0.0.1:0", "--database-url", &url]).args(options));
    let target = Target::new(&server.address, "/v1/customers");
    let ids = target.fill(STORED, |index| load::customer(&format!("seed-{index}"))).await;
    let mut connection = connect.connect().await.unwrap();
    connection.execute("VACUUM ANALYZE").await.unwrap();
    connection.execute("CHECKPOINT").await.unwrap();
    Filled { target, ids, _server: server }
}

async fn compare_both(name: &str, other: &Filled, ours: &Target, ids: &[String]) {
    let reads = (Request::GetOne(other.ids.clone()), Request::GetOne(ids.to_vec()));
    for (label, connections) in [("GET one", CONNECTIONS), ("GET one, 1 connection", 1)] {
        compare_pair(label, connections, (name, &other.target, &reads.0), ("emulator", ours, &reads.1)).await;
    }
    for (label, connections) in [("POST one (create)", CONNECTIONS), ("POST one, 1 connection", 1)] {
        let create = Request::Create(None);
        compare_pair(label, connections, (name, &other.target, &create), ("emulator", ours, &create)).await;
    }
}
