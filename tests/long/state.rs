//! State documents: the options of the start, large documents, a killed process, and the script of `docs/state.md`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN};

use crate::program::{Program, assert_fails, run, shared_database, wait_until};

const DEFAULT_KEYS: (&str, &str) = (DEFAULT_APP_ID, DEFAULT_APP_TOKEN);

fn json_of(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

/// A directory that every user can enter, as PostgreSQL's user must.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Returns the source ids of the customers of a project, the newest first.
fn source_ids(program: &Program, keys: (&str, &str)) -> Vec<String> {
    let (status, body) = program.call_with_keys(keys, "GET", "/v1/customers", "");
    assert_eq!(status, 200, "{body}");
    let list = json_of(&body);
    let customers = list["customers"].as_array().unwrap();
    customers.iter().map(|customer| customer["source_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_state_of_the_default_project_is_loaded_while_it_is_empty() {
    let folder = folder();
    let state = write(folder.path(), "state.json", r#"{"customers": [{"source_id": "a"}, {"source_id": "b"}]}"#);
    let data = folder.path().join("data");
    let arguments = ["--data-dir", data.to_str().unwrap(), "--state", &state];
    let program = Program::start(&arguments);
    assert_eq!(source_ids(&program, DEFAULT_KEYS), ["b", "a"]);
    assert_eq!(source_ids(&program, ("other", "x")), Vec::<String>::new());
    assert_eq!(program.call_with_keys(DEFAULT_KEYS, "DELETE", "/v1/customers/a", "").0, 204);
    assert_eq!(program.end(Signal::TERM).0, Some(0));
    let program = Program::start(&arguments);
    assert_eq!(source_ids(&program, DEFAULT_KEYS), ["b"], "it is not loaded again");
}

#[test]
fn a_file_that_cannot_be_loaded_ends_the_start_with_its_line() {
    // The programs use a database in the private cluster of another one, so that they start fast.
    let folder = folder();
    let data = folder.path().join("data");
    let host = Program::start(&["--data-dir", data.to_str().unwrap()]);
    let url = shared_database(&data);
    let bad_object = "{\"customers\": [\n  {\"source_id\": \"a\"},\n  {\"email\": 1}\n]}";
    let repeated = "{\"orders\": [{\"source_id\": \"a\"},\n\n{\"source_id\": \"a\"}]}";
    for (name, text, message) in [
        (
            "object.json",
            bad_object,
            "object.json, line 3: Invalid payload: Property .customers[1].email must be string",
        ),
        (
            "repeated.json",
            repeated,
            "repeated.json, line 3: Invalid payload: Property .orders[1].source_id must NOT be",
        ),
        ("top.json", "{\n\"customer\": []}", "top.json, line 2: Invalid payload: Property .customer is unknown"),
        ("malformed.json", "{\"customers\": [{}\n,\n{\"a\" 1}]}", "malformed.json, line 3: "),
        ("empty.json", "", "empty.json, line 1: "),
    ] {
        let path = write(folder.path(), name, text);
        for option in ["--state", "--template"] {
            let output = run(&["--database-url", &url, option, &path]);
            assert_fails(&output, message);
            assert_fails(&output, &format!("Correct the file of {option}"));
        }
    }
    let missing = folder.path().join("missing.json");
    for option in ["--state", "--template"] {
        let output = run(&["--database-url", &url, option, missing.to_str().unwrap()]);
        assert_fails(&output, "missing.json cannot be read: entity not found");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("os error"));
        assert_fails(&run(&["--database-url", &url, option, folder.path().to_str().unwrap()]), "cannot be");
    }
    drop(host);
}

#[test]
fn projects_that_their_first_request_creates_start_with_the_template() {
    let folder = folder();
    let document = |name: &str| {
        json!({
            "customers": [{"source_id": name, "metadata": {"n": 1}, "consents": {"c": true}}],
            "orders": [{"source_id": "o", "status": "PAID", "amount": 500, "customer": {"source_id": name}}],
            "events": [{"type": "e", "customer": {"source_id": name}}],
            "segments": [{"name": "All", "type": "auto-update",
                          "filter": {"junction": "and", "source_id": {"conditions": {"$has_value": [true]}}}}],
            "webhooks": [{"target_url": "http://127.0.0.1:1/", "events": ["customer.created"], "active": false}],
        })
    };
    let template = write(folder.path(), "template.json", &document("a").to_string());
    let data = folder.path().join("data");
    let start = || Program::start(&["--data-dir", data.to_str().unwrap(), "--template", &template]);
    let program = start();
    assert_eq!(source_ids(&program, ("one", "x")), ["a"]);
    assert_eq!(source_ids(&program, ("two", "x")), ["a"]);
    let body = |keys, path: &str| program.call_with_keys(keys, "GET", path, "").1;
    let state = |keys| body(keys, "/_emulator/state");
    assert_eq!(state(("one", "x")), state(("two", "x")), "with the same ids");
    let customer = json_of(&body(("one", "x"), "/v1/customers/a"));
    assert_eq!(customer["summary"]["orders"]["total_amount"], 500);
    assert_eq!(json_of(&body(("one", "x"), "/v1/customers"))["total"], 1);
    // The copies are independent, and their segments work on.
    let new = r#"{"source_id": "b"}"#;
    assert_eq!(program.call_with_keys(("one", "x"), "POST", "/v1/customers", new).0, 200);
    assert_eq!(source_ids(&program, ("one", "x")), ["b", "a"]);
    assert_eq!(source_ids(&program, ("two", "x")), ["a"]);
    let segments = json_of(&body(("one", "x"), "/v1/customers/b/segments"));
    assert_eq!(segments["data"][0]["name"], "All");
    assert_eq!(source_ids(&program, DEFAULT_KEYS), Vec::<String>::new(), "the default project starts empty");
    let managed = r#"{"name":"Team","case_sensitive_codes":true,"timezone":"UTC","currency":"EUR"}"#;
    let (status, created) = program.call("POST", "/management/v1/projects", managed);
    assert_eq!(status, 200, "{created}");
    let created = json_of(&created);
    let keys = &created["server_side_key"];
    let keys = (keys["app_id"].as_str().unwrap(), keys["app_token"].as_str().unwrap());
    assert_eq!(source_ids(&program, keys), Vec::<String>::new(), "a managed project starts empty");
    let projects = json_of(&program.call("GET", "/management/v1/projects", "").1);
    assert_eq!(projects["total"], 1, "the template is not listed: {projects}");
    assert_eq!(program.end(Signal::TERM).0, Some(0));

    // Another start uses the same template again, and a changed file is another one.
    let program = start();
    assert_eq!(source_ids(&program, ("three", "x")), ["a"]);
    assert_eq!(program.end(Signal::TERM).0, Some(0));
    write(folder.path(), "template.json", &document("z").to_string());
    let program = start();
    assert_eq!(source_ids(&program, ("four", "x")), ["z"]);
    assert_eq!(source_ids(&program, ("three", "x")), ["a"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_large_document_takes_little_memory_in_both_directions() {
    const CUSTOMERS: usize = 100_000;
    let program = Program::start(&["--ephemeral", "--request-timeout", "600"]);
    assert_eq!(program.call("GET", "/v1/customers", "").0, 200);
    let before = program.peak_memory();
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|number| {
            format!(
                r#"{{"source_id":"customer-{number}","name":"Name {number}","email":"c{number}@example.com","address":{{"city":"Rome","country":"Italy","postal_code":"{number}"}},"metadata":{{"n":{number},"text":"some text that takes a few bytes of each customer"}},"summary":{{"orders":{{"total_amount":0}}}},"object":"customer"}}"#
            )
        })
        .collect();
    let document = format!("{{\"customers\":[{}]}}", customers.join(","));
    let mebibytes = |bytes: u64| bytes / (1024 * 1024);
    let (status, body) = program.call("PUT", "/_emulator/state", &document);
    assert_eq!(status, 200, "{body}");
    assert_eq!(json_of(&body)["counts"]["customers"], CUSTOMERS);
    let loaded = mebibytes(program.peak_memory() - before);
    let (status, body) = program.call("GET", "/_emulator/state", "");
    assert_eq!((status, body.matches(r#""object":"customer""#).count()), (200, CUSTOMERS));
    let read = mebibytes(program.peak_memory() - before);
    eprintln!("{} MiB: loading took {loaded} MiB, with reading {read} MiB", document.len() / (1024 * 1024));
    assert!(read < 48, "{read} MiB");
}

#[test]
fn a_kill_in_the_middle_of_a_load_leaves_the_state_before_or_after() {
    const CUSTOMERS: usize = 4_000;
    // The programs that are killed use a database in the private cluster of a program that is not killed.
    let folder = folder();
    let data = folder.path().join("data");
    let host = Program::start(&["--data-dir", data.to_str().unwrap()]);
    let url = shared_database(&data);
    let document = |round: usize| {
        let customers: Vec<_> =
            (0..CUSTOMERS).map(|number| json!({"source_id": format!("{round}-{number}")})).collect();
        let orders: Vec<_> = (0..10)
            .map(
                |number| json!({"status": "PAID", "amount": 1, "customer": {"source_id": format!("{round}-{number}")}}),
            )
            .collect();
        json!({"orders": orders, "customers": customers}).to_string()
    };
    let (mut current, mut unfinished) = (0, 0);
    for round in 1..9 {
        let program = Program::start(&["--database-url", &url, "--request-timeout", "60"]);
        let body = document(round);
        std::thread::scope(|scope| {
            // The program is mostly killed before it answers.
            scope.spawn(|| program.call("PUT", "/_emulator/state", &body));
            sleep(Duration::from_millis(100 + u64::try_from(round).unwrap() * 60));
            program.signal(Signal::KILL);
        });
        let program = Program::start(&["--database-url", &url]);
        // PostgreSQL may still roll back or commit the transaction of the killed program.
        let mut seen = Value::Null;
        wait_until("the project can be written", || {
            let (status, _) = program.call("POST", "/_emulator/state", "{}");
            seen = json_of(&program.call("GET", "/v1/customers?limit=100", "").1);
            status == 200
        });
        let customers = seen["customers"].as_array().unwrap();
        let rounds: std::collections::HashSet<_> = customers
            .iter()
            .map(|customer| customer["source_id"].as_str().unwrap().split_once('-').unwrap().0.to_owned())
            .collect();
        let orders = json_of(&program.call("GET", "/v1/orders", "").1)["total"].clone();
        if rounds.contains(&round.to_string()) {
            current = round;
        } else {
            unfinished += 1;
        }
        let expected = if current == 0 { (0, 0) } else { (CUSTOMERS, 10) };
        assert_eq!((&seen["total"], &orders), (&json!(expected.0), &json!(expected.1)));
        assert!(rounds.iter().all(|found| *found == current.to_string()), "{rounds:?}");
        program.end(Signal::TERM);
    }
    assert!(unfinished > 0, "no kill interrupted a load");
    drop(host);
}

#[test]
fn the_script_of_the_documentation_copies_a_project() {
    if Command::new("jq").arg("--version").output().is_err() || Command::new("curl").arg("--version").output().is_err()
    {
        eprintln!("skipped: the script needs curl and jq");
        return;
    }
    let page = include_str!("../../docs/state.md");
    let script = page.split_once("```bash\n").unwrap().1.split_once("\n```").unwrap().0;
    let program = Program::start(&["--ephemeral"]);
    let names: Vec<_> = (0..230).map(|number| format!("c{number}")).collect();
    let customers: Vec<_> = names.iter().map(|name| json!({"source_id": name, "metadata": {"name": name}})).collect();
    let orders: Vec<_> = names
        .iter()
        .map(|name| json!({"source_id": name, "status": "PAID", "amount": 5, "customer": {"source_id": name}}))
        .collect();
    let filter = json!({"junction": "and", "metadata.name": {"conditions": {"$is": ["c1"]}}});
    let segments = json!([{"name": "One", "type": "auto-update", "filter": filter}]);
    let schemas = json!([{"related_object": "customer", "properties": {}}]);
    let document = json!({"customers": customers, "orders": orders, "segments": segments, "metadata_schemas": schemas});
    assert_eq!(program.call("PUT", "/_emulator/state", &document.to_string()).0, 200);
    assert_eq!(program.call("DELETE", "/v1/customers/c7", "").0, 204);
    let output = Command::new("bash")
        .args(["-c", script])
        .env("API", format!("http://{}", program.address()))
        .env("APP_ID", "a")
        .env("APP_TOKEN", "b")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let copied = String::from_utf8(output.stdout).unwrap();
    let (status, body) = program.call_with_keys(("copy", "x"), "PUT", "/_emulator/state", &copied);
    assert_eq!(status, 200, "{body}");
    let counts = &json_of(&body)["counts"];
    assert_eq!((&counts["customers"], &counts["orders"], &counts["segments"]), (&json!(229), &json!(229), &json!(1)));
    for path in ["/v1/customers?limit=100", "/v1/customers?limit=100&page=3", "/v1/segments", "/v1/customers/c1"] {
        let answers = [("a", "b"), ("copy", "x")].map(|keys| program.call_with_keys(keys, "GET", path, ""));
        assert_eq!(answers[0], answers[1], "{path}");
    }
    // A wrong key is an error, and not an empty document.
    let output = Command::new("bash")
        .args(["-c", script])
        .env("API", format!("http://{}", program.address()))
        .env("APP_ID", "a")
        .env("APP_TOKEN", "wrong")
        .output()
        .unwrap();
    assert!(!output.status.success());
}
