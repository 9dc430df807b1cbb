//! Jobs of an emulator that is killed at any moment and started again.

use std::collections::HashSet;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::program::{Program, shared_database, wait_until};

const RECORDS: usize = 5_000;

#[test]
fn a_killed_job_goes_on_and_applies_every_record_once() {
    let folder = tempfile::tempdir().unwrap();
    // PostgreSQL's user passes through.
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
        // At once, and later and later; every other time the one that goes on is killed as well. In good order, the last time.
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
        wait_until("the job ends", || json_of(&action())["status"] == "DONE");
        let action = json_of(&action());
        assert_eq!((&action["result"]["done_count"], &action["result"]["failed_count"]), (&json!(RECORDS), &json!(0)));
        assert_eq!(action["operation_status"], "SUCCESS");
        let url = action["result"]["reports"][0].as_str().unwrap().to_owned();
        let (status, report) = program.call("GET", &url[url.find("/_emulator").unwrap()..], "");
        assert_eq!(status, 200);
        // Applied twice, a record would find the customer that it has made; and each is in the report once.
        let told: HashSet<_> = report.lines().filter_map(|line| line.strip_suffix(",false,true")).collect();
        assert_eq!((told.len(), report.matches(",false,true").count()), (RECORDS, RECORDS));
        let (_, list) = program.call("GET", "/v1/customers?limit=1", "");
        assert_eq!(json_of(&list)["total"], (round + 1) * RECORDS as u64);
        program.end(Signal::TERM);
    }
    assert!(unfinished > 0, "no job was caught in the middle");
}

#[test]
fn a_killed_deletion_of_a_project_goes_on_and_leaves_no_row() {
    // The private cluster of one program, which is not killed, serves as the database of the others.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let host = Program::start(&["--data-dir", data.to_str().unwrap()]);
    let url = shared_database(&data);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let pool = runtime.block_on(async { sqlx::PgPool::connect(&url).await.unwrap() });
    let left = || -> (i64, i64) {
        let left = sqlx::query_as(
            "SELECT (SELECT count(*) FROM projects WHERE deleted_at IS NOT NULL), (SELECT count(*) FROM customers)",
        );
        runtime.block_on(left.fetch_one(&pool)).unwrap()
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
            // Nobody is left to answer it, mostly.
            scope.spawn(|| program.call("DELETE", &path, ""));
            wait_until("the deletion begins", || left().0 == 1 || left().1 == 0);
            sleep(Duration::from_millis(round * 40));
            program.signal(Signal::KILL);
        });
        if left().1 > 0 {
            unfinished += 1;
        }
        let program = Program::start(&["--database-url", &url]);
        assert_eq!(program.call("GET", &path, "").0, 404);
        wait_until("the deletion ends", || left() == (0, 0));
        program.end(Signal::TERM);
    }
    assert!(unfinished > 0, "no deletion was caught in the middle");
    drop(host);
}

fn json_of(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn text(body: &str, pointer: &str) -> String {
    json_of(body).pointer(pointer).and_then(Value::as_str).unwrap().to_owned()
}
