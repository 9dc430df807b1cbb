//! Compares the throughput with that of a bare axum and sqlx program, in one run on one machine: see
//! `benches/README.md`.
//!
//! `cargo bench --bench throughput` starts a cluster, the emulator's binary and the bare program (this binary, started
//! again as a child process) on it, and sends requests to them in turn. Names of parts after `--` run only these parts:
//! `read`, `create`, `list`, `segments`, `deletion`, `half-open`, `observed`; `durable` or `ephemeral` run them only with these settings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a benchmark that fails may stop")]

mod bare;
#[path = "../support/load.rs"]
mod load;
mod observed;
#[path = "../support/server.rs"]
mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use load::{Request, Target, median};
use server::Server;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use voucherify_emulator::postgres::{Cluster, Durability, Programs};

/// The allocator of the bare program is that of the emulator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many connections send requests at the same time, each one request after the other.
const CONNECTIONS: usize = 32;
const HALF_OPEN_CONNECTIONS: usize = 1_000;
/// How long the server has to accept or to close those connections.
const SETTLING_TIME: Duration = Duration::from_millis(500);
const ROUNDS: usize = 7;
const ROUND_TIME: Duration = Duration::from_millis(1_500);
const STORED: usize = 5_000;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, url] = &arguments[..]
        && mode == "bare"
    {
        return bare::serve(url);
    }
    if arguments.get(1).is_some_and(|mode| mode == "collect") {
        return observed::collect();
    }
    let chosen = Chosen(arguments.into_iter().skip(1).filter(|argument| !argument.starts_with("--")).collect());
    let directory = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let persistent = Durability::Persistent(directory.path().join("data"));
    for (name, durability) in [("durable", persistent), ("ephemeral", Durability::Ephemeral)] {
        if !chosen.includes(name, &["durable", "ephemeral"]) {
            continue;
        }
        println!(
            "\n# {name} settings, {CONNECTIONS} connections, median of {ROUNDS} rounds of {} s",
            ROUND_TIME.as_secs_f32()
        );
        let cluster = Cluster::start(&durability, &Programs::default()).unwrap();
        runtime().block_on(compare(&cluster, &chosen));
        cluster.stop();
    }
}

/// The arguments that choose what to measure.
struct Chosen(Vec<String>);

impl Chosen {
    /// Returns whether `name` was chosen, or nothing among `names`.
    fn includes(&self, name: &str, names: &[&str]) -> bool {
        let mut chosen = self.0.iter().filter(|chosen| names.contains(&chosen.as_str())).peekable();
        chosen.peek().is_none() || chosen.any(|chosen| chosen == name)
    }

    fn includes_part(&self, name: &str) -> bool {
        self.includes(name, &["read", "create", "list", "segments", "deletion", "half-open", "observed"])
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn compare(cluster: &Cluster, chosen: &Chosen) {
    let mut connection = cluster.main_database().connect().await.unwrap();
    for database in ["emulator", "bare"] {
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {database}"))).await.unwrap();
    }
    connection.close().await.unwrap();
    let url = |database: &str| {
        let options = cluster.options(database);
        format!("postgres://voucherify@localhost/{database}?host={}", options.get_socket().unwrap().display())
    };
    let emulator = Server::start(Command::new(env!("CARGO_BIN_EXE_voucherify-emulator")).args([
        "--listen",
        "127.0.0.1:0",
        "--database-url",
        &url("emulator"),
    ]));
    let bare = Server::start(Command::new(std::env::current_exe().unwrap()).args(["bare", &url("bare")]));
    let (ours, theirs) = (Target::new(&emulator.address, "/v1/customers"), Target::new(&bare.address, "/rows"));

    // The same customers in both: the bare program stores what the emulator answers.
    let ids = ours.fill(STORED, |index| load::customer(&format!("seed-{index}"))).await;
    let document = ours.get(&format!("/v1/customers/{}", ids[0])).await;
    let rows = theirs.fill(STORED, |_| document.clone()).await;
    // Vacuum and write a checkpoint now, so that neither happens during the measurement.
    for database in ["emulator", "bare"] {
        let mut connection = cluster.options(database).connect().await.unwrap();
        connection.execute("VACUUM ANALYZE").await.unwrap();
        connection.execute("CHECKPOINT").await.unwrap();
    }

    println!("one customer: {} bytes", document.len());
    if chosen.includes_part("half-open") {
        beside_half_open_connections(&ours, &Request::GetOne(ids.clone())).await;
    }
    if chosen.includes_part("read") {
        let (ours, theirs) =
            (("emulator", &ours, &Request::GetOne(ids.clone())), ("bare", &theirs, &Request::GetOne(rows)));
        compare_pair("GET one", CONNECTIONS, ours, theirs).await;
        compare_pair("GET one, 1 connection", 1, ours, theirs).await;
    }
    if chosen.includes_part("create") {
        let create = Request::Create(Some(document));
        let (ours, theirs) = (("emulator", &ours, &Request::Create(None)), ("bare", &theirs, &create));
        compare_pair("POST one (create)", CONNECTIONS, ours, theirs).await;
        compare_pair("POST one, 1 connection", 1, ours, theirs).await;
    }
    if chosen.includes_part("list") {
        let (ours, theirs) = (("emulator", &ours, &Request::List), ("bare", &theirs, &Request::List));
        compare_pair("GET a list of 100", CONNECTIONS, ours, theirs).await;
    }
    if chosen.includes_part("segments") {
        with_segments(&ours).await;
    }
    if chosen.includes_part("deletion") {
        let time = permanent_deletions(&ours, 40).await;
        println!(
            "permanent deletion of a customer with 9 orders and 44 events, one after the other: median {time:.2} ms"
        );
    }
    if chosen.includes_part("observed") {
        observed::compare(cluster, &ours, &ids).await;
    }
    println!("resident memory of the emulator: {}", emulator.memory());
}

/// Compares creating customers in a project with the maximum of 100 filtered segments with one that has none. Half of
/// the segments are active. Each new customer is in five of them, two of which are active.
async fn with_segments(target: &Target) {
    let (with, without) = (target.project("with"), target.project("without"));
    for number in 0..100 {
        let conditions = match number {
            // Every customer of the benchmark matches these five, each by another kind of field.
            0 => r#""address.city":{"conditions":{"$is":["New York"]}}"#.to_owned(),
            1 => r#""metadata.level":{"conditions":{"$in":["gold","silver"]}}"#.to_owned(),
            2 => r#""created_at":{"conditions":{"$less_than_ago":[30]}}"#.to_owned(),
            3 => r#""email":{"conditions":{"$ends_with":["@email.com"]}}"#.to_owned(),
            4 => r#""summary.orders.total_count":{"conditions":{"$is":[0]}}"#.to_owned(),
            _ if number % 4 == 0 => format!(r#""birthdate":{{"conditions":{{"$is_year":[{}]}}}}"#, 1_900 + number),
            _ if number % 4 == 1 => format!(r#""metadata.lang":{{"conditions":{{"$is":["l{number}"]}}}}"#),
            _ if number % 4 == 2 => format!(r#""events.e{number}.count":{{"conditions":{{"$more_than":[0]}}}}"#),
            _ => format!(
                r#""address.country":{{"conditions":{{"$is":["C{number}"]}}}},"phone":{{"conditions":{{"$starts_with":["+{number}"]}}}}"#
            ),
        };
        let kind = if number % 2 == 1 { "auto-update" } else { "passive" };
        let body = format!(r#"{{"name":"S{number}","type":"{kind}","filter":{{"junction":"and",{conditions}}}}}"#);
        with.post("/v1/segments", &body).await;
    }
    let create = Request::Create(None);
    let mut rates = Rates::default();
    for _ in 0..=ROUNDS {
        let rate = with.rate(&create, CONNECTIONS, ROUND_TIME).await;
        rates.add(rate, without.rate(&create, CONNECTIONS, ROUND_TIME).await);
    }
    println!("POST with 100 filtered segments, in 5 of them {}", rates.text("", "with none"));
}

/// The rates of two sides, measured in turn, round by round.
#[derive(Default)]
struct Rates {
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Rates {
    fn add(&mut self, first: f64, second: f64) {
        self.first.push(first);
        self.second.push(second);
    }

    /// Returns the medians, and the median of the ratios with the least and the most. The first round warms up.
    fn text(mut self, first_name: &str, second_name: &str) -> String {
        let (first, second) = (&mut self.first[1..], &mut self.second[1..]);
        let mut ratios: Vec<f64> = first.iter().zip(&*second).map(|(first, second)| first / second).collect();
        let (middle, least, most) = (median(&mut ratios), ratios[0], ratios[ratios.len() - 1]);
        format!(
            "{first_name} {:>7.0}/s   {second_name} {:>7.0}/s   ratio {middle:.2} ({least:.2} to {most:.2})",
            median(first),
            median(second)
        )
    }
}

/// Compares the reads of one customer beside connections that never complete a request with reads without them.
async fn beside_half_open_connections(target: &Target, read: &Request) {
    let mut rates = Rates::default();
    for round in 0..=ROUNDS {
        let (mut with, mut without) = (0.0, 0.0);
        // Begin with each side in turn, because the second one of a round is often faster.
        for has_half_open in [round % 2 == 0, round % 2 != 0] {
            // The emulator closes a half-open connection after ten seconds, so each round needs new ones.
            let count = if has_half_open { HALF_OPEN_CONNECTIONS } else { 0 };
            let half_open = target.half_open_connections(count).await;
            tokio::time::sleep(SETTLING_TIME).await;
            let rate = target.rate(read, CONNECTIONS, ROUND_TIME).await;
            *(if has_half_open { &mut with } else { &mut without }) = rate;
            drop(half_open);
            tokio::time::sleep(SETTLING_TIME).await;
        }
        rates.add(with, without);
    }
    println!("GET one beside {HALF_OPEN_CONNECTIONS} half-open connections {}", rates.text("", "without"));
}

/// Measures both targets in turn, and prints the medians and the median of the ratios.
async fn compare_pair(
    name: &str,
    connections: usize,
    first: (&str, &Target, &Request),
    second: (&str, &Target, &Request),
) {
    let mut rates = Rates::default();
    for _ in 0..=ROUNDS {
        let rate = first.1.rate(first.2, connections, ROUND_TIME).await;
        rates.add(rate, second.1.rate(second.2, connections, ROUND_TIME).await);
    }
    println!("{name:<23} {}", rates.text(first.0, second.0));
}

/// Returns the median time in milliseconds to permanently delete a customer with 9 orders and 44 events.
async fn permanent_deletions(target: &Target, count: usize) -> f64 {
    let mut times = Vec::new();
    for index in 0..count {
        let source_id = format!("busy-{index}");
        let order = format!(r#"{{"amount":100,"status":"PAID","customer":{{"source_id":"{source_id}"}}}}"#);
        let event = format!(r#"{{"event":"visit","customer":{{"source_id":"{source_id}"}}}}"#);
        for _ in 0..9 {
            target.post("/v1/orders", &order).await;
        }
        for _ in 0..44 {
            target.post("/v1/events", &event).await;
        }
        let started = Instant::now();
        let answer = target.post(&format!("/v1/customers/{source_id}/permanent-deletion"), "{}").await;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
        assert!(answer.contains(r#""events":44"#) && answer.contains(r#""orders":9"#), "{answer}");
    }
    median(&mut times)
}
