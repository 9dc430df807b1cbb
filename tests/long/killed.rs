//! Jobs and deliveries of an emulator that is killed at any moment and started again.

use std::collections::HashSet;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::program::{Program, shared_database, wait_until};
use crate::support::{Receiver, Reply};

const RECORDS: usize = 5_000;

#[test]
fn a_job_continues_after_a_kill_and_applies_every_record_once() {
    let folder = tempfile::tempdir().unwrap();
    // The user of PostgreSQL must be able to enter the directory.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let mut unfinished = 0;
    for round in 0..6 {
        let program = Program::start(&arguments);
        let records: Value = (0..RECORDS)
            .map(|number| json!({"source_id": format!("{round}-{number}"), "metadata": {"n": number}}))
            .collect();
        let (status, body) = program.call("POST", "/v1/customers/bulk/async", &records.to_string());
        assert_eq!(status, 202, "{body}");
        let id = text(&body, "/async_action_id");
        // Each round kills the emulator later than the round before, and every second round also kills its successor.
        // The last round stops the emulator with SIGTERM.
        sleep(Duration::from_millis(if round < 5 { round * 60 } else { 100 }));
        program.end(if round < 5 { Signal::KILL } else { Signal::TERM });
        if round % 2 == 1 {
            let program = Program::start(&arguments);
            sleep(Duration::from_millis(round * 40));
            program.end(Signal::KILL);
        }

        let program = Program::start(&arguments);
        let action = || program.call("GET", &format!("/v1/async-actions/{id}"), "").1;
        if json_of(&action())["status"] != "DONE" {
            unfinished += 1;
        }
        wait_until("the job is done", || json_of(&action())["status"] == "DONE");
        let action = json_of(&action());
        assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(RECORDS), &json!(0)));
        assert_eq!(action["operation_status"], "SUCCESS");
        let url = action["result"]["reports"][0].as_str().unwrap().to_owned();
        let (status, report) = program.call("GET", &url[url.find("/_emulator").unwrap()..], "");
        assert_eq!(status, 200);
        // A record that is applied twice would be reported as an update. Each record is in the report once.
        let created: HashSet<_> = report.lines().filter_map(|line| line.strip_suffix(",false,true")).collect();
        assert_eq!((created.len(), report.matches(",false,true").count()), (RECORDS, RECORDS));
        let (_, list) = program.call("GET", "/v1/customers?limit=1", "");
        assert_eq!(json_of(&list)["total"], (round + 1) * RECORDS as u64);
        program.end(Signal::TERM);
    }
    assert!(unfinished > 0, "no kill interrupted a job");
}

#[test]
fn a_project_deletion_continues_after_a_kill_and_leaves_no_row() {
    // The programs that are killed use a database in the private cluster of a program that is not killed.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let host = Program::start(&["--data-dir", data.to_str().unwrap()]);
    let url = shared_database(&data);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = runtime.block_on(async { sqlx::PgPool::connect_with(in_schema(&url)).await.unwrap() });
    let remaining_rows = || -> (i64, i64) {
        let counts = sqlx::query_as(
            "SELECT (SELECT count(*) FROM projects WHERE deleted_at IS NOT NULL), (SELECT count(*) FROM customers)",
        );
        runtime.block_on(counts.fetch_one(&pool)).unwrap()
    };
    let mut unfinished = 0;
    for round in 0..5 {
        let program = Program::start(&["--database-url", &url]);
        let body = r#"{"name":"Team","case_sensitive_codes":true,"timezone":"UTC","currency":"EUR"}"#;
        let (status, created) = program.call("POST", "/management/v1/projects", body);
        assert_eq!(status, 200, "{created}");
        let id = text(&created, "/id");
        let fill = sqlx::query(
            "INSERT INTO customers (project_id, id, profile, created_at, changed_at)
             SELECT p.id, 'cust_' || n, '{}', now(), now() FROM projects p, generate_series(1, 30000) n WHERE public_id = $1",
        );
        runtime.block_on(fill.bind(&id).execute(&pool)).unwrap();
        let path = format!("/management/v1/projects/{id}");
        std::thread::scope(|scope| {
            // The program is mostly killed before it answers.
            scope.spawn(|| program.call("DELETE", &path, ""));
            wait_until("the deletion starts", || remaining_rows().0 == 1 || remaining_rows().1 == 0);
            sleep(Duration::from_millis(round * 40));
            program.signal(Signal::KILL);
        });
        if remaining_rows().1 > 0 {
            unfinished += 1;
        }
        let program = Program::start(&["--database-url", &url]);
        assert_eq!(program.call("GET", &path, "").0, 404);
        wait_until("the deletion ends", || remaining_rows() == (0, 0));
        program.end(Signal::TERM);
    }
    assert!(unfinished > 0, "no kill interrupted a deletion");
    drop(host);
}

#[test]
fn a_reset_or_a_restore_that_is_killed_leaves_the_state_before_or_after() {
    // The programs that are killed use a database in the private cluster of a program that is not killed.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let host = Program::start(&["--data-dir", data.to_str().unwrap()]);
    let url = shared_database(&data);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = runtime.block_on(async { sqlx::PgPool::connect_with(in_schema(&url)).await.unwrap() });
    let program = Program::start(&["--database-url", &url]);
    let records: Value = (0..RECORDS).map(|number| json!({"source_id": number.to_string()})).collect();
    assert_eq!(program.call("POST", "/v1/customers/bulk/async", &records.to_string()).0, 202);
    assert_eq!(program.call("GET", "/_emulator/idle", "").0, 200);
    assert_eq!(program.call("POST", "/v1/segments", r#"{"name":"S"}"#).0, 200);
    assert_eq!(program.call("PUT", "/_emulator/snapshots/full", "").0, 200);
    program.end(Signal::TERM);
    let rows = || -> (i64, i64, i64, i64) {
        let counts = sqlx::query_as(
            "SELECT (SELECT count(*) FROM customers WHERE project_id = p.id),
                    (SELECT count(*) FROM customer_activity WHERE project_id = p.id),
                    (SELECT count(*) FROM segments WHERE project_id = p.id),
                    (SELECT coalesce(sum(value), 0)::bigint FROM row_counts
                     WHERE project_id = p.id AND resource = 'customers')
             FROM projects p WHERE id = (SELECT snapshot_of FROM projects WHERE snapshot_of IS NOT NULL)",
        );
        runtime.block_on(counts.fetch_one(&pool)).unwrap()
    };
    let (full, empty) = (rows(), (0, 0, 0, 0));
    assert_eq!((full.0, full.2, full.3), (i64::try_from(RECORDS).unwrap(), 1, i64::try_from(RECORDS).unwrap()));
    for (path, before, after) in [("/_emulator/reset", full, empty), ("/_emulator/snapshots/full/restore", empty, full)]
    {
        let mut outcomes = HashSet::new();
        for round in 0..12 {
            let program = Program::start(&["--database-url", &url]);
            if rows() != before {
                let path = if before == full { "/_emulator/snapshots/full/restore" } else { "/_emulator/reset" };
                assert_eq!(program.call("POST", path, "").0, 200);
            }
            assert_eq!(rows(), before);
            std::thread::scope(|scope| {
                // The program is mostly killed before it answers.
                scope.spawn(|| program.call("POST", path, ""));
                sleep(Duration::from_millis(5 + round * 30));
                program.signal(Signal::KILL);
            });
            // The next program waits for what PostgreSQL still runs for the one that was killed.
            let program = Program::start(&["--database-url", &url]);
            assert_eq!(program.call("PUT", "/_emulator/consents/mail", r#"{"name":"Mail"}"#).0, 200);
            let found = rows();
            assert!(found == before || found == after, "{path}: {found:?}");
            outcomes.insert(found == after);
            let (_, list) = program.call("GET", "/v1/customers?limit=1", "");
            assert_eq!(json_of(&list)["total"], found.0);
            program.end(Signal::TERM);
        }
        assert!(outcomes.contains(&false), "no kill interrupted {path}");
    }
    drop(host);
}

fn json_of(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// Returns the options of connections whose statements find the tables of the emulator.
fn in_schema(url: &str) -> sqlx::postgres::PgConnectOptions {
    url.parse::<sqlx::postgres::PgConnectOptions>().unwrap().options([("search_path", "voucherify_emulator")])
}

fn text(body: &str, pointer: &str) -> String {
    json_of(body).pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}

#[test]
fn pending_deliveries_are_sent_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    // The user of PostgreSQL must be able to enter the directory.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap()];
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let receiver = runtime.block_on(Receiver::start());
    // While the receiver does not answer, every message is committed and not delivered.
    receiver.always(Reply::Hang);
    let program = Program::start(&arguments);
    let body = json!({"target_url": receiver.url(), "events": ["customer.created"]});
    assert_eq!(program.call("POST", "/_emulator/webhooks", &body.to_string()).0, 200);
    for index in 0..30 {
        let customer = json!({"source_id": format!("c{index}")}).to_string();
        assert_eq!(program.call("POST", "/v1/customers", &customer).0, 200);
    }
    runtime.block_on(receiver.received(4));
    program.end(Signal::KILL);
    let first: HashSet<_> = receiver.messages().iter().map(|message| message.text("/id")).collect();
    receiver.always(Reply::Status(200));
    let program = Program::start(&arguments);
    let messages = runtime.block_on(receiver.received(4 + 30));
    let resent = &messages[4..];
    let source_ids: HashSet<_> = resent.iter().map(|message| message.text("/data/customer/source_id")).collect();
    assert_eq!(source_ids.len(), 30, "all are sent, also those that were in flight at the kill");
    let ids: HashSet<_> = resent.iter().map(|message| message.text("/id")).collect();
    assert!(first.is_subset(&ids), "a message keeps its id");
    program.end(Signal::TERM);
}
