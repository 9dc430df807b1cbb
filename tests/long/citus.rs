//! Several emulators on a Citus cluster, which `TEST_CITUS_NODES` names. Without one, the test is skipped.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use crate::program::{Program, call, wait_until};
use crate::support::{Receiver, citus};

const EMULATORS: usize = 3;
const WRITERS: usize = 4;
/// How long the writers write.
const WRITING_TIME: Duration = Duration::from_secs(25);
const RECORDS_PER_JOB: usize = 200;
/// How many customers a writer creates between two jobs.
const CUSTOMERS_PER_JOB: usize = 40;

/// What the emulators have acknowledged to a writer.
#[derive(Default)]
struct Acknowledged {
    customers: Vec<String>,
    jobs: Vec<String>,
}

#[test]
fn several_emulators_on_citus_lose_nothing_when_they_are_killed_and_shards_are_moved() {
    let Some(nodes) = citus::nodes() else {
        eprintln!("skipped: TEST_CITUS_NODES names no Citus cluster");
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(citus::create(nodes, "killed_emulators"));
    let database = nodes[0].clone().database("killed_emulators");
    let url = database.to_url_lossy().to_string();
    let receiver = runtime.block_on(Receiver::start());
    let mut programs: Vec<_> = (0..EMULATORS).map(|_| Program::start(&["--database-url", &url])).collect();
    let addresses: Vec<_> = programs.iter().map(|program| Mutex::new(program.address().to_owned())).collect();
    let webhook = json!({"target_url": receiver.url(), "events": ["customer.created"]}).to_string();
    for writer in 0..WRITERS {
        let answer = programs[0].call_with_keys((&key(writer), "token"), "POST", "/_emulator/webhooks", &webhook);
        assert_eq!(answer.0, 200, "{}", answer.1);
    }

    let stop = AtomicBool::new(false);
    let (mut kills, begun) = (0, Instant::now());
    let (acknowledged, moves) = thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (addresses, stop) = (&addresses, &stop);
                scope.spawn(move || write(writer, addresses, stop))
            })
            .collect();
        let mover = scope.spawn(|| runtime.block_on(move_shards(&database, &stop)));
        while begun.elapsed() < WRITING_TIME {
            sleep(Duration::from_millis(700));
            let killed = kills % EMULATORS;
            programs[killed].signal(Signal::KILL);
            programs[killed] = Program::start(&["--database-url", &url]);
            programs[killed].address().clone_into(&mut addresses[killed].lock().unwrap());
            kills += 1;
        }
        stop.store(true, Ordering::Relaxed);
        let acknowledged: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        (acknowledged, mover.join().unwrap())
    });
    assert!(kills > EMULATORS && moves > 0, "{kills} kills, {moves} moved shards");

    let mut created = HashSet::new();
    for (writer, Acknowledged { customers, jobs }) in acknowledged.into_iter().enumerate() {
        assert!(!customers.is_empty() && !jobs.is_empty());
        let keys = (key(writer), "token");
        let get = |path: &str| programs[writer % EMULATORS].call_with_keys((&keys.0, keys.1), "GET", path, "");
        for source_id in &customers {
            assert_eq!(get(&format!("/v1/customers/{source_id}")).0, 200, "{source_id} was acknowledged");
        }
        for job in &jobs {
            let action = || -> Value { serde_json::from_str(&get(&format!("/v1/async-actions/{job}")).1).unwrap() };
            wait_until("the job is done", || action()["status"] == "DONE");
            let result = &action()["result"];
            assert_eq!((&result["done_count"], &result["failed_count"]), (&json!(RECORDS_PER_JOB), &json!(0)), "{job}");
        }
        created.extend(customers);
    }
    // A message is sent again when an emulator is killed before it has recorded the answer.
    wait_until("all messages are received", || {
        let sent: HashSet<_> =
            receiver.messages().iter().map(|message| message.text("/data/customer/source_id")).collect();
        created.is_subset(&sent)
    });
    println!("{} customers, {kills} kills, {moves} moved shards", created.len());
}

fn key(writer: usize) -> String {
    format!("writer-{writer}")
}

/// Creates customers and jobs in a project of its own, through the emulators in turn, as behind a load balancer. What is not acknowledged
/// is sent again.
fn write(writer: usize, addresses: &[Mutex<String>], stop: &AtomicBool) -> Acknowledged {
    let (key, mut acknowledged) = (key(writer), Acknowledged::default());
    let mut turn = writer;
    let mut send = |path: &str, body: &str| {
        turn += 1;
        let address = addresses[turn % addresses.len()].lock().unwrap().clone();
        call(&address, (&key, "token"), "POST", path, body)
    };
    for number in 0.. {
        let source_id = format!("{writer}-{number}");
        let body = json!({"source_id": source_id}).to_string();
        while send("/v1/customers", &body).0 != 200 {
            if stop.load(Ordering::Relaxed) {
                return acknowledged;
            }
            sleep(Duration::from_millis(5));
        }
        acknowledged.customers.push(source_id);
        if number % CUSTOMERS_PER_JOB == 0 {
            let record = |record| json!({"source_id": format!("{writer}-{number}-{record}")});
            let records: Value = (0..RECORDS_PER_JOB).map(record).collect();
            let (status, body) = send("/v1/customers/bulk/async", &records.to_string());
            if status == 202 {
                let answer: Value = serde_json::from_str(&body).unwrap();
                acknowledged.jobs.push(answer["async_action_id"].as_str().unwrap().to_owned());
            }
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    acknowledged
}

/// Moves shards from one worker to another, as Citus does when it rebalances them, and returns how many it has moved.
async fn move_shards(database: &PgConnectOptions, stop: &AtomicBool) -> usize {
    let mut connection = PgConnection::connect_with(database).await.unwrap();
    let mut moved = 0;
    while !stop.load(Ordering::Relaxed) {
        // The shard that has waited longest for a move, from its node to another one. The shards of all tables move with it.
        let result = sqlx::query(
            "SELECT citus_move_shard_placement(shard.shardid, shard.nodename, shard.nodeport, other.nodename, other.nodeport,
                                               CASE WHEN $1 % 2 = 0 THEN 'force_logical' ELSE 'block_writes' END::citus.shard_transfer_mode)
             FROM (SELECT * FROM citus_shards WHERE table_name = 'voucherify_emulator.customers'::regclass
                   ORDER BY shardid OFFSET $1 % 4 LIMIT 1) AS shard,
                  LATERAL (SELECT nodename, nodeport FROM pg_dist_node
                           WHERE shouldhaveshards AND isactive AND nodeport <> shard.nodeport LIMIT 1) AS other",
        )
        .bind(i32::try_from(moved).unwrap())
        .execute(&mut connection)
        .await;
        match result {
            Ok(_) => moved += 1,
            // The move waits for writers and can give way to one of them in a deadlock.
            Err(error) => eprintln!("a shard was not moved: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    moved
}
