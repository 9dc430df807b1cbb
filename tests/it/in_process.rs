//! The emulator inside a Rust test: `Emulator`, and the methods of `Project`. Requests are sent on real sockets.

use std::ops::Deref;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use voucherify_emulator::domain::local_host::HostPattern;
use voucherify_emulator::emulator::{
    ConnectionFault, Delay, HitSchedule, Kept, ProjectClock, RequestFault, RequestFilter, StatusFilter,
};
use voucherify_emulator::service::Error;
use voucherify_emulator::{Builder, Emulator, Project};

use crate::support::Database;

const TIMEOUT: Duration = Duration::from_secs(20);

/// An emulator on a database of the test, which is dropped after it.
struct Started {
    emulator: Emulator,
    _database: Database,
}

impl Deref for Started {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        &self.emulator
    }
}

async fn start(change: impl FnOnce(Builder) -> Builder) -> Started {
    let database = Database::new();
    let builder = Emulator::builder().database_url(database.url());
    Started { emulator: change(builder).start().await.unwrap(), _database: database }
}

/// Sends a request with the keys of the project, and returns the status and the body.
pub async fn send(project: &Project, method: &str, path: &str, body: Value) -> (u16, Value) {
    let keys = format!("X-App-Id: {}\r\nX-App-Token: {}\r\n", project.app_id(), project.app_token());
    send_with(project, &keys, method, path, body).await
}

async fn send_with(project: &Project, headers: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
    let host = project.url().strip_prefix("http://").unwrap();
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut connection = TcpStream::connect(host).await.unwrap();
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or_default())
}

async fn create(project: &Project, source_id: &str) -> (u16, Value) {
    send(project, "POST", "/v1/customers", json!({"source_id": source_id})).await
}

async fn total(project: &Project, path: &str) -> i64 {
    send(project, "GET", path, Value::Null).await.1["total"].as_i64().unwrap()
}

fn creations() -> RequestFilter {
    RequestFilter::default().operation("create-customer")
}

#[tokio::test]
async fn each_project_has_customers_of_its_own() {
    let emulator = start(|builder| builder).await;
    let (one, other) = (emulator.new_project().await.unwrap(), emulator.new_project().await.unwrap());
    let default = emulator.default_project().await.unwrap();
    assert_eq!(create(&one, "alice").await.0, 200);
    assert_eq!(total(&one, "/v1/customers").await, 1);
    assert_eq!(total(&other, "/v1/customers").await, 0);
    assert_eq!(total(&default, "/v1/customers").await, 0);
    assert_eq!((one.url(), default.url()), (emulator.url().as_str(), emulator.url().as_str()));
    assert_eq!(default.app_id(), "c70a6f00-cf91-4756-9df5-47628850002b");
}

#[tokio::test]
async fn the_client_keys_belong_to_the_same_project() {
    let emulator = start(|builder| builder.client_keys("page", "page token")).await;
    for project in [emulator.new_project().await.unwrap(), emulator.default_project().await.unwrap()] {
        let (id, token) = (project.client_app_id(), project.client_token());
        let headers =
            format!("X-Client-Application-Id: {id}\r\nX-Client-Token: {token}\r\nOrigin: http://localhost\r\n");
        let event = json!({"event": "visit", "customer": {"source_id": "alice"}});
        assert_eq!(send_with(&project, &headers, "POST", "/client/v1/events", event).await.0, 200);
        assert_eq!(total(&project, "/v1/customers").await, 1);
    }
}

#[tokio::test]
async fn new_projects_are_accepted_where_keys_are_strict() {
    let emulator = start(Builder::strict_auth).await;
    let project = emulator.new_project().await.unwrap();
    assert_eq!(create(&project, "alice").await.0, 200);
    let keys = "X-App-Id: unknown\r\nX-App-Token: unknown\r\n";
    assert_eq!(send_with(&project, keys, "GET", "/v1/customers", Value::Null).await.0, 401);
}

#[tokio::test]
async fn a_new_project_starts_with_the_template() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("world.json");
    std::fs::write(&file, r#"{"customers": [{"source_id": "alice"}, {"source_id": "bob"}]}"#).unwrap();
    let emulator = start(|builder| builder.template(file)).await;
    let project = emulator.new_project().await.unwrap();
    assert_eq!(total(&project, "/v1/customers").await, 2);
    assert_eq!(project.reset(&[]).await.unwrap().customers, 2);
    assert_eq!(total(&project, "/v1/customers").await, 0);
}

#[tokio::test]
async fn a_reset_empties_one_project_but_for_what_is_kept() {
    let emulator = start(|builder| builder).await;
    let (project, other) = (emulator.new_project().await.unwrap(), emulator.new_project().await.unwrap());
    for project in [&project, &other] {
        create(project, "alice").await;
        let segment = json!({"name": "S", "type": "static", "customers": []});
        assert_eq!(send(project, "POST", "/v1/segments", segment).await.0, 200);
    }
    project.clock().freeze_at("2030-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    project.faults().add(RequestFault::default().status(500)).await.unwrap();
    let removed = project.reset(&[Kept::Segments]).await.unwrap();
    assert_eq!((removed.customers, removed.segments), (1, 0));
    assert_eq!(project.requests().count(&RequestFilter::default()).unwrap(), 0);
    assert_eq!(total(&project, "/v1/customers").await, 0);
    assert_eq!(total(&project, "/v1/segments").await, 1);
    assert!(project.faults().list().await.unwrap().is_empty());
    assert_eq!(project.clock().get().await.unwrap().clock, ProjectClock::Real);
    assert_eq!(total(&other, "/v1/customers").await, 1);
}

#[tokio::test]
async fn the_clock_is_frozen_and_advanced() {
    let emulator = start(|builder| builder).await;
    let project = emulator.new_project().await.unwrap();
    // The project is cached before the clock changes.
    assert_eq!(total(&project, "/v1/customers").await, 0);
    let clock = project.clock();
    let frozen = clock.freeze_at("2030-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert!(frozen.clock.is_frozen());
    assert_eq!(create(&project, "alice").await.1["created_at"], "2030-01-01T00:00:00.000Z");
    clock.advance_by(TimeDelta::hours(26)).await.unwrap();
    assert_eq!(create(&project, "bob").await.1["created_at"], "2030-01-02T02:00:00.000Z");
    let advanced = clock.advance_to("2031-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!(clock.get().await.unwrap().now, advanced.now);
    for refused in [
        clock.advance_by(TimeDelta::seconds(-1)).await,
        clock.advance_to("2030-01-01T00:00:00Z".parse().unwrap()).await,
        clock.freeze_at("2016-01-01T00:00:00Z".parse().unwrap()).await,
    ] {
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");
    }
    clock.run_from("2029-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    assert!(clock.get().await.unwrap().now > "2029-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    assert!(clock.freeze().await.unwrap().clock.is_frozen());
    clock.use_real_time().await.unwrap();
    assert_eq!(clock.get().await.unwrap().clock, ProjectClock::Real);
    assert!(project.wait_until_idle(TIMEOUT).await.unwrap());
}

#[tokio::test]
async fn faults_hit_the_requests_of_their_project() {
    let emulator = start(|builder| builder).await;
    let (project, other) = (emulator.new_project().await.unwrap(), emulator.new_project().await.unwrap());
    let lost = RequestFault::default().operation("create-customer").status(503).times(1).after();
    project.faults().add(lost).await.unwrap();
    let limited = RequestFault::default().method("get").path("/v1/customers/*").status(429).retry_after(7).skip(1);
    let limited = project.faults().add(limited).await.unwrap();
    assert!(limited.id.starts_with("fault_"));
    assert_eq!(create(&project, "alice").await.0, 503);
    assert_eq!(create(&project, "alice").await.0, 200);
    assert_eq!(total(&project, "/v1/customers").await, 1);
    for expected in [200, 429] {
        assert_eq!(send(&project, "GET", "/v1/customers/alice", Value::Null).await.0, expected);
    }
    assert_eq!(create(&other, "alice").await.0, 200);
    let hits: Vec<_> = project.faults().list().await.unwrap().iter().map(|fault| fault.hits).collect();
    assert_eq!(hits, [1, 1]);
    project.faults().clear().await.unwrap();
    assert_eq!(send(&project, "GET", "/v1/customers/alice", Value::Null).await.0, 200);
}

#[tokio::test]
async fn a_rule_that_the_api_refuses_is_refused() {
    let emulator = start(|builder| builder).await;
    let project = emulator.new_project().await.unwrap();
    let rule = RequestFault::default;
    for (rule, expected) in [
        (rule(), "Payload must have one of the properties 'delay_ms', 'status', 'connection'"),
        (rule().status(399), "Property .status must be from 400 to 599"),
        (rule().status(500).times(0), "Property .times cannot be lower than 1"),
        (rule().status(500).skip(-1), "Property .skip cannot be lower than 0"),
        (rule().delay(600_001), "Property .delay_ms must be from 0 to 600000"),
        (rule().status(500).path("v1"), "Property .path must begin with /"),
        (
            rule().status(500).connection(ConnectionFault::Reset),
            "Property .connection must NOT be used together with status",
        ),
        (
            rule().operation("create").delay(1),
            "Property .operation must be the id of an operation under /v1, /client/v1 or /stickystreet",
        ),
    ] {
        match project.faults().add(rule).await {
            Err(Error::Invalid { details }) => assert_eq!(details, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    let range = RequestFault {
        schedule: HitSchedule { delay_ms: Some(Delay::Range { min: 0, max: 1 }), ..HitSchedule::default() },
        ..rule()
    };
    assert!(project.faults().add(range).await.unwrap().rule.schedule().seed.is_some());
}

#[tokio::test]
async fn requests_are_counted_and_listed() {
    let emulator = start(|builder| builder.request_log(5)).await;
    let (project, other) = (emulator.new_project().await.unwrap(), emulator.new_project().await.unwrap());
    create(&other, "alice").await;
    let count = |filter: RequestFilter| project.requests().count(&filter).unwrap();
    for source_id in ["alice", "bob"] {
        create(&project, source_id).await;
    }
    assert_eq!(send(&project, "GET", "/v1/customers/carol", Value::Null).await.0, 404);
    assert_eq!(count(RequestFilter::default()), 3);
    assert_eq!(count(creations()), 2);
    assert_eq!(count(creations().status(StatusFilter::Class(4))), 0);
    assert_eq!(count(RequestFilter::default().method("get").path("/v1/customers/*")), 1);
    assert_eq!(count(RequestFilter::default().status(StatusFilter::Exact(404))), 1);
    let listed = project.requests().list(&creations()).unwrap();
    let bodies: Vec<_> = listed.iter().map(|request| request.texts().request_body).collect();
    assert_eq!(bodies, [r#"{"source_id":"bob"}"#, r#"{"source_id":"alice"}"#]);
    assert_eq!(count(RequestFilter::default().after(listed[0].texts().id)), 1);
    let unknown = project.requests().count(&RequestFilter::default().after("req_unknown"));
    assert!(matches!(unknown, Err(Error::NotFound { .. })));
    for number in 0..4 {
        create(&project, &number.to_string()).await;
    }
    assert_eq!(count(RequestFilter::default()), 5);
    project.requests().clear();
    assert_eq!(count(RequestFilter::default()), 0);
    assert_eq!(other.requests().count(&RequestFilter::default()).unwrap(), 1);
}

#[tokio::test]
async fn the_methods_of_a_deleted_project_fail() {
    let emulator = start(|builder| builder.management_keys("manager", "manager token")).await;
    let project = emulator.new_project().await.unwrap();
    let (_, shown) = send(&project, "GET", "/_emulator/project", Value::Null).await;
    let path = format!("/management/v1/projects/{}", shown["id"].as_str().unwrap());
    let keys = "X-Management-Id: manager\r\nX-Management-Token: manager token\r\n";
    assert_eq!(send_with(&project, keys, "DELETE", &path, Value::Null).await.0, 204);
    assert!(matches!(project.reset(&[]).await, Err(Error::AccessRevoked)));
    assert!(matches!(project.clock().freeze().await, Err(Error::AccessRevoked)));
    assert!(matches!(project.faults().list().await, Err(Error::AccessRevoked)));
}

#[tokio::test]
async fn a_project_outlives_its_emulator_and_then_fails() {
    let emulator = start(|builder| builder).await;
    let project = emulator.new_project().await.unwrap();
    let Started { emulator, _database } = emulator;
    emulator.stop().await;
    assert!(matches!(project.clock().get().await, Err(Error::Database(_))));
}

#[tokio::test]
async fn https_is_served_beside_http_and_trusted_by_the_authority_of_the_emulator() {
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let emulator = start(|builder| builder.tls().allow_host(HostPattern::parse("shop.example").unwrap())).await;
    let authority = reqwest::Certificate::from_pem(emulator.tls_ca().unwrap().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([authority]);
    let client = client.resolve("shop.example", emulator.address()).build().unwrap();
    let other_name = format!("https://shop.example:{}", emulator.address().port());
    for url in [emulator.https_url().unwrap(), &other_name, &emulator.url()] {
        assert_eq!(client.get(format!("{url}/_emulator/health")).send().await.unwrap().status(), 200, "{url}");
    }
    let without = start(|builder| builder).await;
    assert_eq!((without.https_url(), without.tls_ca()), (None, None));
}
