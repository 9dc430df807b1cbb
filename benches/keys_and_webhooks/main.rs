//! Measures the cost of authentication and of webhooks: see `benches/README.md`.
//!
//! `cargo bench --bench keys_and_webhooks` starts a cluster, emulators on it and a webhook receiver (this binary,
//! started again as child processes), and sends requests to them in turn.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that fails may stop")]

mod in_process;
#[allow(dead_code, reason = "other benchmarks use more of it")]
#[path = "../support/load.rs"]
mod load;
mod receiver;
#[path = "../support/server.rs"]
mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use load::{Request, Target, median};
use server::Server;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use voucherify_emulator::postgres::{Cluster, Durability, Programs};

const CONNECTIONS: u32 = 32;
const ROUNDS: usize = 20;
const ROUND_TIME: Duration = Duration::from_secs(1);
const STORED_CUSTOMERS: usize = 5_000;
/// Creates per second in the measurement at a constant rate.
const CREATES_PER_SECOND: u32 = 2_000;
/// How long that measurement runs.
const CONSTANT_RATE_TIME: Duration = Duration::from_secs(15);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[..] {
        [_, mode, settings] if mode == "in-process" => return in_process::serve(settings),
        [_, mode] if mode == "receive" => return receiver::serve(),
        _ => {}
    }
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let persistent = Durability::Persistent(directory.path().join("data"));
    for (name, durability) in [("durable", persistent), ("ephemeral", Durability::Ephemeral)] {
        println!(
            "\n# {name} settings, {CONNECTIONS} connections, median of {ROUNDS} rounds of {} s",
            ROUND_TIME.as_secs_f32()
        );
        let cluster = Cluster::start(&durability, &Programs::default()).unwrap();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(&cluster));
        cluster.stop();
    }
}

async fn compare(cluster: &Cluster) {
    let mut connection = cluster.main_database().connect().await.unwrap();
    connection.execute(AssertSqlSafe("CREATE DATABASE emulator".to_owned())).await.unwrap();
    connection.close().await.unwrap();
    let options = cluster.options("emulator").options([("search_path", "voucherify_emulator")]);
    let url = format!("postgres://voucherify@localhost/emulator?host={}", options.get_socket().unwrap().display());
    let this_binary = || Command::new(std::env::current_exe().unwrap());
    let emulator = Server::start(Command::new(env!("CARGO_BIN_EXE_voucherify-emulator")).args([
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        &url,
    ]));
    let ours = Target::new(&emulator.address, "/v1/customers");
    let ids = ours.fill(STORED_CUSTOMERS, |index| load::customer(&format!("seed-{index}"))).await;
    let mut connection = options.connect().await.unwrap();
    connection.execute("VACUUM ANALYZE").await.unwrap();
    connection.close().await.unwrap();
    {
        let authenticated = Server::start(this_binary().args(["in-process", &format!("authenticated {url}")]));
        let open = Server::start(this_binary().args(["in-process", &format!("open {url}")]));
        let target = |server: &Server| Target::new(&server.address, "/v1/customers");
        let (authenticated, open) = (target(&authenticated), target(&open));
        let get = Request::GetOne(ids);
        compare_pair("GET one, with authentication", "without", &authenticated, &open, &get).await;
    }
    let receiver = Server::start(this_binary().arg("receive"));
    let (with, without) = (ours.project("with"), ours.project("without"));
    let body = format!(r#"{{"target_url":"http://{}/hook","events":["customer.created"]}}"#, receiver.address);
    with.post("/_emulator/webhooks", &body).await;
    let create = Request::Create(None);
    compare_pair("POST one, with a webhook", "without", &with, &without, &create).await;
    create_at_constant_rate(&with, &Target::new(&receiver.address, "/")).await;
    println!("resident memory of the emulator: {}", emulator.memory());
}

/// Measures both targets in turn, and prints the medians and the median of the ratios. Waits for pending deliveries
/// after each round.
async fn compare_pair(name: &str, other_name: &str, first: &Target, second: &Target, request: &Request) {
    let (mut rates, mut other_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        // Alternate the order, because being measured first may be an advantage or a disadvantage.
        let (rate, other_rate) = if round % 2 == 0 {
            let rate = measure(first, request).await;
            (rate, measure(second, request).await)
        } else {
            let other_rate = measure(second, request).await;
            (measure(first, request).await, other_rate)
        };
        // The first round is a warm-up and is not counted.
        if round > 0 {
            rates.push(rate);
            other_rates.push(other_rate);
            ratios.push(rate / other_rate);
        }
    }
    let (least, most) = (ratios.iter().copied().fold(f64::MAX, f64::min), ratios.iter().copied().fold(0.0, f64::max));
    println!(
        "{name} {:>6.0}/s   {other_name} {:>6.0}/s   ratio {:.2} ({least:.2} to {most:.2})",
        median(&mut rates),
        median(&mut other_rates),
        median(&mut ratios)
    );
}

async fn measure(target: &Target, request: &Request) -> f64 {
    let rate = target.rate(request, CONNECTIONS as usize, ROUND_TIME).await;
    wait_until_idle(target).await;
    rate
}

async fn wait_until_idle(target: &Target) {
    while !target.get("/_emulator/idle").await.contains("unfinished\":0") {}
}

/// Creates customers at a constant rate with a webhook, and prints whether the deliveries keep up.
async fn create_at_constant_rate(target: &Target, receiver: &Target) {
    receiver.get("/reset").await;
    let started = Instant::now();
    let total = target.create_at(CREATES_PER_SECOND, CONNECTIONS, CONSTANT_RATE_TIME).await;
    let (created, drain_started) = (started.elapsed(), Instant::now());
    let delivered_so_far = receiver.get("/count").await;
    wait_until_idle(target).await;
    let drained = drain_started.elapsed();
    println!(
        "{total} creates in {:.2} s, {:.0}/s: delivered by then {delivered_so_far}, all of them {:.2} s later; {}",
        created.as_secs_f32(),
        f64::from(total) / created.as_secs_f64(),
        drained.as_secs_f32(),
        receiver.get("/lag").await
    );
}
