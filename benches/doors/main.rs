//! What keys and webhooks cost: see `benches/README.md`.
//!
//! `cargo bench --bench doors` starts a cluster, emulators on it and a receiver of webhooks (this binary, called anew), and asks
//! them in turn.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that fails may stop")]

#[allow(dead_code, reason = "other benchmarks ask for more")]
#[path = "../support/load.rs"]
mod load;
mod open;
mod receiver;
#[path = "../support/server.rs"]
mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use load::{Request, Target, median};
use server::Server;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use voucherify_emulator::postgres::{Cluster, Durability};

const CONNECTIONS: u32 = 32;
const ROUNDS: usize = 20;
const ROUND: Duration = Duration::from_secs(1);
const STORED: usize = 5_000;
/// Changes a second, and for how long.
const PACE: u32 = 2_000;
const PACED: Duration = Duration::from_secs(15);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[..] {
        [_, mode, url] if mode == "open" => return open::serve(url),
        [_, mode] if mode == "receive" => return receiver::serve(),
        _ => {}
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let kept = Durability::Kept(folder.path().join("data"));
    for (name, durability) in [("durable", kept), ("ephemeral", Durability::Ephemeral)] {
        println!(
            "\n# {name} settings, {CONNECTIONS} connections, median of {ROUNDS} rounds of {} s",
            ROUND.as_secs_f32()
        );
        let cluster = Cluster::start(&durability).unwrap();
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(&cluster));
        cluster.stop();
    }
}

async fn compare(cluster: &Cluster) {
    let mut connection = cluster.main_database().connect().await.unwrap();
    connection.execute(AssertSqlSafe("CREATE DATABASE emulator".to_owned())).await.unwrap();
    connection.close().await.unwrap();
    let options = cluster.options("emulator");
    let url = format!("postgres://voucherify@localhost/emulator?host={}", options.get_socket().unwrap().display());
    let this = || Command::new(std::env::current_exe().unwrap());
    let emulator = Server::start(Command::new(env!("CARGO_BIN_EXE_voucherify-emulator")).args([
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        &url,
    ]));
    let ours = Target::new(&emulator.address, "/v1/customers");
    let ids = ours.fill(STORED, |index| load::customer(&format!("seed-{index}"))).await;
    let mut connection = options.connect().await.unwrap();
    connection.execute("VACUUM ANALYZE").await.unwrap();
    connection.close().await.unwrap();
    {
        let asked = Server::start(this().args(["open", &format!("asked {url}")]));
        let open = Server::start(this().args(["open", &format!("open {url}")]));
        let (asked, open) = (Target::new(&asked.address, "/v1/customers"), Target::new(&open.address, "/v1/customers"));
        let get = Request::GetOne(ids);
        pair("GET one, with keys asked for", "not asked for", &asked, &open, &get).await;
    }
    let receiver = Server::start(this().arg("receive"));
    let (with, without) = (ours.project("with"), ours.project("without"));
    let body = format!(r#"{{"target_url":"http://{}/hook","events":["customer.created"]}}"#, receiver.address);
    with.post("/_emulator/webhooks", &body).await;
    let create = Request::Create(None);
    pair("POST one, with a webhook", "without", &with, &without, &create).await;
    paced(&with, &Target::new(&receiver.address, "/")).await;
    println!("resident memory of the emulator: {}", emulator.memory());
}

/// Asks both in turn and prints the medians and the median of the ratios. What webhooks have still to send is waited for in between.
async fn pair(name: &str, other: &str, one: &Target, another: &Target, request: &Request) {
    let (mut a, mut b, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        // Whoever is asked first may have it easier, or harder.
        let (rate, plain) = if round % 2 == 0 {
            let rate = measured(one, request).await;
            (rate, measured(another, request).await)
        } else {
            let plain = measured(another, request).await;
            (measured(one, request).await, plain)
        };
        // The first round warms up.
        if round > 0 {
            a.push(rate);
            b.push(plain);
            ratios.push(rate / plain);
        }
    }
    let (least, most) = (ratios.iter().copied().fold(f64::MAX, f64::min), ratios.iter().copied().fold(0.0, f64::max));
    println!(
        "{name} {:>6.0}/s   {other} {:>6.0}/s   ratio {:.2} ({least:.2} to {most:.2})",
        median(&mut a),
        median(&mut b),
        median(&mut ratios)
    );
}

async fn measured(target: &Target, request: &Request) -> f64 {
    let rate = target.rate(request, CONNECTIONS as usize, ROUND).await;
    idle(target).await;
    rate
}

async fn idle(target: &Target) {
    while !target.get("/_emulator/idle").await.contains("unfinished\":0") {}
}

/// So many creates a second, each told of by a webhook: whether the deliveries keep pace.
async fn paced(target: &Target, receiver: &Target) {
    receiver.get("/reset").await;
    let begun = Instant::now();
    let total = target.create_at(PACE, CONNECTIONS, PACED).await;
    let (created, then) = (begun.elapsed(), Instant::now());
    let delivered_by_then = receiver.get("/count").await;
    idle(target).await;
    let drained = then.elapsed();
    println!(
        "{total} creates in {:.2} s, {:.0}/s: delivered by then {delivered_by_then}, all of them {:.2} s later; {}",
        created.as_secs_f32(),
        f64::from(total) / created.as_secs_f64(),
        drained.as_secs_f32(),
        receiver.get("/lag").await
    );
}
