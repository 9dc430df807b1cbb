use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use voucherify_emulator::clock::Clock;

use crate::support::{Answer, Receiver, Reply, TestEmulator, contract_operations};
use crate::webhooks::webhook;

/// The samples of an answer in the text format of Prometheus: value by name with labels, as they are written.
struct Metrics(BTreeMap<String, String>);

impl Metrics {
    /// Parses the answer, and checks that the lines of a metric are together, below its `HELP` and `TYPE`.
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        let (mut samples, mut families, mut current) = (BTreeMap::new(), BTreeSet::new(), String::new());
        let mut lines = answer.text.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, text) = help.split_once(' ').unwrap();
                let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(text.ends_with('.') && families.insert(name.to_owned()), "{line}");
                name.clone_into(&mut current);
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            assert!(name == current || base == Some(current.as_str()), "{line} is not below its TYPE");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert!(samples.insert(series.to_owned(), value.to_owned()).is_none(), "{line} is repeated");
        }
        Self(samples)
    }

    #[track_caller]
    fn text(&self, series: &str) -> &str {
        self.0.get(series).unwrap_or_else(|| panic!("{series} is missing: {:#?}", self.0.keys()))
    }

    #[track_caller]
    fn get(&self, series: &str) -> f64 {
        self.text(series).parse().unwrap()
    }

    #[track_caller]
    fn own(&self, series: &str) -> f64 {
        self.get(&format!("voucherify_emulator_{series}"))
    }

    /// Returns a value that is a whole number.
    #[track_caller]
    fn count(&self, series: &str) -> i64 {
        let text = self.text(&format!("voucherify_emulator_{series}"));
        text.strip_suffix(".0").unwrap_or(text).parse().unwrap_or_else(|_| panic!("{series}: {text}"))
    }
}

async fn scrape(emulator: &TestEmulator) -> Metrics {
    let answer = get(emulator, "*/*").await.expect(200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    Metrics::of(&answer)
}

/// Sends a request without keys.
async fn get(emulator: &TestEmulator, accept: &str) -> Answer {
    let request = Request::get("/_emulator/metrics").header("accept", accept);
    emulator.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_status() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.post("/v1/customers", json!({"source_id": "alice@morgan.com"})).await.expect(200);
    client.get("/v1/customers/alice%40morgan.com").await.expect(200);
    client.get("/v1/customers/alice%40morgan.com").await.expect(200);
    client.get("/v1/customers/unknown").await.expect(404);
    client.get("/v1/nothing").await.expect(404);
    client.put("/v1/customers", json!({})).await.expect(405);
    let metrics = scrape(&emulator).await;
    let requests = |operation: &str, status: &str| {
        metrics.count(&format!(r#"http_requests_total{{operation="{operation}",status="{status}"}}"#))
    };
    assert_eq!(requests("create-customer", "200"), 1);
    assert_eq!((requests("get-customer", "200"), requests("get-customer", "404")), (2, 1));
    assert_eq!((requests("none", "404"), requests("none", "405")), (1, 1));
    assert_eq!(metrics.count(r#"http_request_duration_seconds_count{operation="get-customer"}"#), 3);
    let all = r#"http_request_duration_seconds_bucket{operation="get-customer",le="+Inf"}"#;
    assert_eq!(metrics.count(all), 3);
    assert!(metrics.own(r#"http_request_duration_seconds_sum{operation="get-customer"}"#) > 0.0);
    assert_eq!(metrics.count(r#"batch_size_sum{statement="customers.find"}"#), 3);
    assert!(metrics.own(r#"cache_hits_total{cache="credentials"}"#) >= 4.0);
    assert!(metrics.own(r#"cache_misses_total{cache="credentials"}"#) >= 1.0);
    assert_eq!(metrics.count(r#"cache_entries{cache="credentials"}"#), 1);
    assert!(metrics.own("database_connection_wait_seconds_count") >= 4.0);
    assert!(metrics.own("database_connections_opened_total") >= 1.0);
    let connections = |state: &str| metrics.own(&format!(r#"database_connections{{state="{state}"}}"#));
    assert!(connections("idle") + connections("in_use") >= 1.0);
    assert_eq!(metrics.count("database_connections_max"), i64::from(TestEmulator::CONNECTIONS) + 2);
    assert_eq!((metrics.count("database_connection_waiters"), metrics.count("database_up")), (0, 1));
    assert_eq!(metrics.count("request_log_entries"), 6);
    assert!(metrics.own("request_log_bytes") > 1_000.0);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(metrics.count(&format!(r#"build_info{{version="{version}"}}"#)), 1);
    if cfg!(target_os = "linux") {
        assert!(metrics.get("process_resident_memory_bytes") > 1_000_000.0);
        assert!(metrics.get("process_cpu_seconds_total") > 0.0 && metrics.get("process_open_fds") > 2.0);
    }
}

#[tokio::test]
async fn background_work_is_counted_by_state_and_outcome() {
    let mut emulator = TestEmulator::with(Clock::System, |config| config.webhooks.retry_speed = 6_000_000).await;
    let receiver = Receiver::start().await;
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    client.customer(json!({"source_id": "a"})).await;
    client.done("/v1/customers/bulk/async", json!([{"source_id": "a", "name": "A"}])).await;
    receiver.received(1).await;
    client.get("/_emulator/idle").await.expect(200);
    let metrics = scrape(&emulator).await;
    let finished = r#"jobs_finished_total{type="CUSTOMERS.BULK_UPDATE",outcome="done"}"#;
    assert_eq!(metrics.count(finished), 1);
    assert!(metrics.own(r#"job_slice_duration_seconds_count{type="CUSTOMERS.BULK_UPDATE"}"#) >= 1.0);
    assert_eq!(metrics.count(r#"webhook_attempts_total{outcome="delivered"}"#), 1);
    assert_eq!(metrics.count(r#"webhook_deliveries_finished_total{outcome="delivered"}"#), 1);
    assert_eq!(metrics.count(r#"webhook_deliveries_finished_total{outcome="failed"}"#), 0);
    assert_eq!(metrics.count("webhook_attempt_duration_seconds_count"), 1);
    assert_eq!(metrics.count(r#"webhook_deliveries{state="pending"}"#), 0);
    // A delivery that fails at every attempt, a snapshot that holds a copy of it, and jobs that no worker runs.
    receiver.always(Reply::Status(500));
    client.customer(json!({"source_id": "b"})).await;
    let failed = r#"webhook_deliveries_finished_total{outcome="failed"}"#;
    while scrape(&emulator).await.own(failed) < 1.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.put("/_emulator/snapshots/one", json!({})).await.expect(200);
    emulator.stop_workers().await;
    for _ in 0..3 {
        client.post("/v1/customers/bulk/async", json!([{"source_id": "a", "name": "B"}])).await.expect(202);
    }
    // The counts are read at most once a second.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let metrics = scrape(&emulator).await;
    let (waiting, in_progress) = (r#"jobs{state="waiting"}"#, r#"jobs{state="in_progress"}"#);
    assert_eq!((metrics.count(waiting), metrics.count(in_progress)), (2, 1));
    assert_eq!(metrics.count(r#"webhook_deliveries{state="failed"}"#), 1);
    assert_eq!(metrics.count(failed), 1);
    assert_eq!(metrics.count(r#"webhook_attempts_total{outcome="failed"}"#), 13);
}

#[tokio::test]
async fn no_label_shows_a_customer_a_project_or_a_key() {
    let emulator = TestEmulator::new().await;
    for client in [emulator.client(), emulator.other_project()] {
        client.customer(json!({"source_id": "alice@morgan.com", "name": "Alice"})).await;
        client.get("/v1/customers?email=alice%40morgan.com").await.expect(200);
        client.get("/v1/alice%40morgan.com").await.expect(404);
        client.get("/_emulator/alice").await.expect(404);
    }
    let project: String =
        sqlx::query_scalar("SELECT public_id FROM projects LIMIT 1").fetch_one(&emulator.pool).await.unwrap();
    let text = get(&emulator, "*/*").await.expect(200).text;
    let (app_id, token) = emulator.server_keys();
    for value in ["alice", "morgan", "cust_", "proj_", app_id, token, project.as_str(), emulator.other_keys().0] {
        let found: Vec<_> = text
            .lines()
            .filter(|line| line.contains(&format!("\"{value}")) || line.contains(&format!("{value}\"")))
            .collect();
        assert_eq!(found, Vec::<&str>::new());
    }
    let operations: BTreeSet<_> = contract_operations().into_iter().map(|(_, _, id)| id).collect();
    let labels = text.split("operation=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for operation in labels {
        assert!(operations.contains(operation) || ["none", "console"].contains(&operation), "{operation}");
    }
}

#[tokio::test]
async fn metrics_are_answered_while_the_database_is_unavailable() {
    let emulator = TestEmulator::new().await;
    emulator.client().get("/v1/customers").await.expect(200);
    emulator.connections.close().await;
    emulator.client().get("/v1/customers").await.expect(503);
    let metrics = scrape(&emulator).await;
    assert_eq!(metrics.count("database_up"), 0);
    assert_eq!(metrics.count(r#"http_requests_total{operation="list-customers",status="503"}"#), 1);
    assert!(!metrics.0.keys().any(|series| series.starts_with("voucherify_emulator_jobs{")));
}

#[tokio::test]
async fn openmetrics_is_answered_where_it_is_preferred() {
    let emulator = TestEmulator::new().await;
    emulator.client().get("/v1/customers").await.expect(200);
    // Prometheus sends this header.
    let accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let answer = get(&emulator, accept).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(
        answer.text.ends_with("# EOF\n") && answer.text.contains("# TYPE voucherify_emulator_http_requests counter\n")
    );
    assert_eq!(answer.text.matches("# EOF").count(), 1);
    let unit = "# UNIT voucherify_emulator_http_request_duration_seconds seconds\n";
    assert!(answer.text.contains(unit), "{}", answer.text);
    for accept in ["text/plain", "application/json", "text/html,*/*;q=0.8", "application/openmetrics-text;q=0,*/*"] {
        let answer = get(&emulator, accept).await.expect(200);
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8", "{accept}");
    }
}

#[tokio::test]
async fn metrics_are_hit_by_no_fault_and_not_kept_in_the_request_log() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    client.post("/_emulator/faults", json!({"status": 503})).await.expect(200);
    client.get("/_emulator/metrics").await.expect(200);
    assert_eq!(client.get("/_emulator/requests/count").await.expect(200).text, r#"{"object":"count","count":0}"#);
    client.post("/_emulator/metrics", json!({})).await.expect(405);
    let head = Request::head("/_emulator/metrics").body(Body::empty()).unwrap();
    assert_eq!(emulator.send(head).await.expect(200).text, "");
    let foreign = Request::get("/_emulator/metrics").header("host", "shop.example").body(Body::empty()).unwrap();
    emulator.send(foreign).await.expect(421);
    let metrics = scrape(&emulator).await;
    assert_eq!(metrics.count(r#"http_requests_total{operation="emulator-metrics",status="200"}"#), 2);
    assert_eq!(metrics.count(r#"http_requests_total{operation="none",status="421"}"#), 1);
}

/// Returns the names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '_' && !letter.is_ascii_digit());
    words
        .filter(|word| word.starts_with("voucherify_emulator_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn the_documentation_lists_every_metric_and_no_other() {
    let page = include_str!("../../../docs/operations.md");
    // The tables leave out the beginning of the names.
    let (_, listed) = page.split_once("\n## Which metrics there are\n").unwrap();
    let rows = listed.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with("| `"));
    let first_cells =
        rows.map(|row| row.split('|').nth(1).unwrap()).flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let documented: BTreeSet<_> = first_cells
        .map(|name| name.split('{').next().unwrap())
        .map(|name| if name.starts_with("process_") { name.to_owned() } else { format!("voucherify_emulator_{name}") })
        .collect();
    let emulator = TestEmulator::with(Clock::System, |config| config.webhooks.retry_speed = 6_000_000).await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    client.done("/v1/customers/bulk/async", json!([{"source_id": "a", "name": "A"}])).await;
    let text = get(&emulator, "*/*").await.expect(200).text;
    let mut served: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).map(str::to_owned).collect();
    // No slice of a job fails here.
    served.insert("voucherify_emulator_job_slice_failures_total".to_owned());
    if cfg!(target_os = "linux") {
        assert_eq!(documented, served);
    }
    let dashboard = include_str!("../../../docs/operations/grafana-dashboard.json");
    let alerts = include_str!("../../../docs/operations/alerts.yaml");
    let series = |name: &str| {
        ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()
    };
    for used in names(dashboard).into_iter().chain(names(alerts)).chain(names(page)) {
        let is_prefix = used == "voucherify_emulator_" || used == "process_";
        assert!(is_prefix || documented.contains(&series(&used)), "{used} is not documented");
    }
}
