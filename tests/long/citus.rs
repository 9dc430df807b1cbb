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
/// The projects of the test in which a worker cannot be reached.
const PROJECTS: usize = 8;
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

#[test]
fn a_worker_that_cannot_be_reached_stops_only_its_projects() {
    let Some(nodes) = citus::nodes() else {
        eprintln!("skipped: TEST_CITUS_NODES names no Citus cluster");
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(citus::create(nodes, "lost_worker"));
    let database = nodes[0].clone().database("lost_worker");
    let program = Program::start(&["--database-url", database.to_url_lossy().as_str()]);
    for number in 0..PROJECTS {
        let answer =
            program.call_with_keys((&key(number), "token"), "POST", "/v1/customers", r#"{"source_id": "known"}"#);
        assert_eq!(answer.0, 200, "{}", answer.1);
    }
    let ports = runtime.block_on(ports_of_projects(&database));
    let lost = nodes.last().unwrap();
    let (gone, there): (Vec<usize>, Vec<usize>) =
        (0..PROJECTS).partition(|number| ports[*number] == i32::from(lost.get_port()));
    assert!(!gone.is_empty() && !there.is_empty(), "{ports:?}");
    runtime.block_on(set_reachable(lost, false));
    for number in &there {
        change_customers(&program, &key(*number));
        use_test_tools(&program, &key(*number));
    }
    for number in &gone {
        let post = |path: &str, body: &str| program.call_with_keys((&key(*number), "token"), "POST", path, body).0;
        assert_eq!(post("/v1/customers", r#"{"source_id": "new"}"#), 503);
        assert_eq!(post("/v1/orders", r#"{"source_id": "new", "amount": 1}"#), 503);
        let read = program.call_with_keys((&key(*number), "token"), "GET", "/v1/customers/known", "");
        assert_eq!(read.0, 503, "{}", read.1);
    }
    runtime.block_on(set_reachable(lost, true));
    for number in &gone {
        let get = |path: &str| program.call_with_keys((&key(*number), "token"), "GET", path, "").0;
        wait_until("the projects can be used again", || get("/v1/customers/known") == 200);
        assert_eq!(get("/v1/customers/new"), 404);
        change_customers(&program, &key(*number));
        use_test_tools(&program, &key(*number));
    }
}

/// Returns the port of the server with the rows of each project, in the order of the projects.
async fn ports_of_projects(database: &PgConnectOptions) -> Vec<i32> {
    let mut connection = PgConnection::connect_with(database).await.unwrap();
    let mut ports = Vec::new();
    for number in 0..PROJECTS {
        let project: i64 =
            sqlx::query_scalar("SELECT project_id FROM voucherify_emulator.credentials WHERE app_id = $1")
                .bind(key(number))
                .fetch_one(&mut connection)
                .await
                .unwrap();
        let port = sqlx::query_scalar(
            "SELECT nodeport::int FROM pg_dist_shard_placement
             WHERE shardid = get_shard_id_for_distribution_column('voucherify_emulator.customers'::regclass, $1)",
        )
        .bind(project)
        .fetch_one(&mut connection)
        .await
        .unwrap();
        ports.push(port);
    }
    ports
}

/// Lets a worker refuse the connections to the database, or accept them again.
async fn set_reachable(worker: &PgConnectOptions, is_reachable: bool) {
    let mut connection = PgConnection::connect_with(worker).await.unwrap();
    let statement = format!("ALTER DATABASE lost_worker WITH ALLOW_CONNECTIONS {is_reachable}");
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    if !is_reachable {
        sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'lost_worker'")
            .execute(&mut connection)
            .await
            .unwrap();
    }
}

/// Sends a request, and returns the answer, which must be a success.
fn done(program: &Program, key: &str, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, answer) = program.call_with_keys((key, "token"), method, path, &body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
    serde_json::from_str(&answer).unwrap_or_default()
}

/// Creates, changes, imports, exports and erases customers and what is connected with them.
fn change_customers(program: &Program, key: &str) {
    let call = |method: &str, path: &str, body: Value| done(program, key, method, path, &body);
    let idle = || drop(call("GET", "/_emulator/idle", Value::Null));
    call("POST", "/_emulator/webhooks", json!({"target_url": "http://127.0.0.1:9/", "events": ["customer.created"]}));
    let create =
        |source_id: &str| call("POST", "/v1/customers", json!({"source_id": source_id, "email": "a@example.com"}));
    create("a");
    create("a");
    let gold = json!({"junction": "and", "name": {"conditions": {"$is": ["Gold"]}}});
    let segment = call("POST", "/v1/segments", json!({"name": "Gold", "type": "auto-update", "filter": gold}));
    let recent = json!({"junction": "and", "created_at": {"conditions": {"$less_than_ago": [30]}}});
    call("POST", "/v1/segments", json!({"name": "Recent", "type": "auto-update", "filter": recent}));
    create("b");
    call("PUT", "/v1/customers/a", json!({"name": "Gold"}));
    call("PUT", "/v1/customers/a", json!({"name": "Silver", "metadata": {"level": 1}}));
    call("PUT", "/v1/customers/b", json!({"name": "Gold"}));
    call("POST", "/v1/customers", json!({"source_id": "c", "name": "Gold"}));
    let order = json!({"source_id": "o", "amount": 100, "status": "PAID", "customer": {"source_id": "a"}, "referrer": {"source_id": "b"}});
    call("POST", "/v1/orders", order);
    call("POST", "/v1/orders", json!({"source_id": "p", "amount": 100, "customer": {"source_id": "d"}}));
    call("PUT", "/v1/orders/o", json!({"amount": 200}));
    call("POST", "/v1/events", json!({"event": "seen", "customer": {"source_id": "a"}}));
    call("POST", "/v1/customers/bulk/async", json!([{"source_id": "e"}, {"source_id": "f", "name": "Gold"}]));
    call("POST", "/v1/orders/import", json!([{"source_id": "q", "amount": 1}, {"source_id": "r", "amount": 2}]));
    idle();
    call("POST", "/v1/segments", json!({"name": "Some", "type": "static", "customers": ["a", "b"]}));
    call("PUT", "/_emulator/consents/cnst_1", json!({"name": "News"}));
    call("PUT", "/v1/customers/b/consents", json!({"cnst_1": true}));
    let schema = json!({"related_object": "customer", "properties": {}});
    call("POST", "/v1/metadata-schemas", schema);
    call("DELETE", "/v1/customers/e", Value::Null);
    call("POST", "/v1/customers/a/permanent-deletion", Value::Null);
    call("POST", "/v1/exports", json!({"exported_object": "customer"}));
    idle();
    call("DELETE", &format!("/v1/segments/{}", segment["id"].as_str().unwrap()), Value::Null);
    for path in [
        "/v1/customers",
        "/v1/customers?email=a@example.com",
        "/v1/orders",
        "/v1/segments",
        "/v1/exports",
        "/v1/customers/b/activity",
    ] {
        call("GET", path, Value::Null);
    }
}

/// Changes the state, the time and the faults of a project, and checks an erasure. It makes no snapshot, which is a project of its own and
/// may be on the other worker.
fn use_test_tools(program: &Program, key: &str) {
    let call = |method: &str, path: &str, body: Value| done(program, key, method, path, &body);
    let found = call("POST", "/_emulator/erasure-check", json!({"values": ["a@example.com"]}));
    assert_ne!(found, Value::Null);
    call("POST", "/_emulator/faults", json!({"operation": "create-customer", "times": 1, "delay_ms": 1}));
    call("POST", "/v1/customers", json!({"source_id": "slow"}));
    call("DELETE", "/_emulator/faults", Value::Null);
    call("PUT", "/_emulator/clock", json!({"now": "2040-01-01T00:00:00Z", "frozen": true}));
    call("POST", "/_emulator/clock/advance", json!({"by": "P40D"}));
    call("DELETE", "/_emulator/clock", Value::Null);
    call("GET", "/_emulator/state", Value::Null);
    call("POST", "/_emulator/reset", Value::Null);
    call("PUT", "/_emulator/ids", json!({"seed": "same"}));
    call("POST", "/v1/customers", json!({"source_id": "seeded"}));
    call("PUT", "/_emulator/state", json!({"customers": [{"source_id": "loaded", "metadata": {"level": 2}}]}));
    call("GET", "/_emulator/idle", Value::Null);
}
