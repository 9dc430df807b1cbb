//! Traces: what is sent to a collector, and what is handed on to webhooks.

mod otlp;

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::json;
use voucherify_emulator::clock::Clock;

use self::otlp::{Span, spans};
use crate::support::{Client, Receiver, Reply, TestEmulator};
use crate::webhooks::webhook;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const STATE: &str = "congo=t61rcWkgMzE";

/// Starts an emulator that sends its traces to a receiver.
async fn traced(collector: &Receiver) -> TestEmulator {
    let endpoint = collector.url().parse().unwrap();
    TestEmulator::with(Clock::System, |config| config.otlp_endpoint = Some(endpoint)).await
}

/// Creates a customer, with the headers of a trace.
async fn create(client: &Client, source_id: &str, flags: &str) {
    let body =
        json!({"source_id": source_id, "name": "Alice Morgan", "email": "alice@morgan.com", "description": flags});
    let traceparent = format!("00-{TRACE}-{CALLER}-{flags}");
    let headers = [("traceparent", traceparent.as_str()), ("tracestate", STATE), ("content-type", "application/json")];
    client.call_with(Method::POST, "/v1/customers", Body::from(body.to_string()), &headers).await.expect(200);
}

/// Waits until the collector has received a span that matches, and returns all spans.
async fn received(collector: &Receiver, matches: impl Fn(&Span) -> bool) -> Vec<Span> {
    let start = Instant::now();
    loop {
        let all: Vec<_> = collector.messages().iter().flat_map(|message| spans(&message.body)).collect();
        if all.iter().any(&matches) {
            return all;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{all:#?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_request_continues_the_trace_of_its_caller() {
    let collector = Receiver::start().await;
    let emulator = traced(&collector).await;
    let client = emulator.client();
    create(&client, "alice@morgan.com", "01").await;
    client.get("/v1/customers/alice%40morgan.com?email=alice%40morgan.com").await.expect(200);
    client.get("/v1/customers/bob%40morgan.com").await.expect(404);
    client.get("/v1/alice%40morgan.com").await.expect(404);
    client.call(Method::from_bytes(b"ALICE").unwrap(), "/v1/customers", None).await.expect(405);
    let all = received(&collector, |span| span.text("http.request.method") == "_OTHER").await;
    let created = all.iter().find(|span| span.name == "create-customer").unwrap();
    assert_eq!((created.trace_id.as_str(), created.parent_id.as_str(), created.kind), (TRACE, CALLER, 2));
    assert_eq!(created.flags, 0x301, "sampled, and the parent is in another program");
    assert_eq!(
        ["http.request.method", "http.route", "url.scheme", "voucherify.operation"].map(|key| created.text(key)),
        ["POST", "/v1/customers", "http", "create-customer"]
    );
    assert_eq!(created.number("http.response.status_code"), 200);
    assert!(created.text("voucherify.request_id").starts_with("v-") && created.end >= created.start);
    let statements: Vec<_> = all.iter().filter(|span| span.parent_id == created.span_id).collect();
    assert!(statements.iter().any(|span| span.name == "customers.insert"), "{statements:#?}");
    for statement in &statements {
        assert_eq!(
            (statement.trace_id.as_str(), statement.kind, statement.text("db.system.name")),
            (TRACE, 3, "postgresql")
        );
        assert!(statement.start >= created.start && statement.end <= created.end);
    }
    let read: Vec<_> = all.iter().filter(|span| span.name == "get-customer").collect();
    assert_eq!(read.iter().map(|span| span.number("http.response.status_code")).collect::<Vec<_>>(), [200, 404]);
    assert!(read.iter().all(|span| span.parent_id.is_empty() && span.trace_id != TRACE && span.flags == 0x101));
    assert!(read.iter().all(|span| !span.is_error && span.text("http.route") == "/v1/customers/{customerId}"));
    let unknown = all.iter().find(|span| span.name == "none" && span.text("http.request.method") == "GET").unwrap();
    assert_eq!((unknown.number("http.response.status_code"), unknown.text("http.route")), (404, ""));
    for message in collector.messages() {
        assert_eq!(
            (message.path.as_str(), message.headers["content-type"].to_str().unwrap()),
            ("/hook/v1/traces", "application/x-protobuf")
        );
        let text = String::from_utf8_lossy(&message.body).to_lowercase();
        for value in
            ["alice", "morgan", "bob", "cust_", "proj_", STATE, emulator.server_keys().0, emulator.server_keys().1]
        {
            assert!(!text.contains(&value.to_lowercase()), "{value}: {text}");
        }
    }
}

#[tokio::test]
async fn a_webhook_continues_the_trace_of_the_request_that_caused_it() {
    let (collector, receiver) = (Receiver::start().await, Receiver::start().await);
    let emulator = traced(&collector).await;
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    create(&client, "a", "01").await;
    let message = receiver.received(1).await.remove(0);
    assert_eq!(message.headers["tracestate"], STATE);
    let traceparent = message.headers["traceparent"].to_str().unwrap().to_owned();
    let all = received(&collector, |span| span.name == "webhook").await;
    let created = all.iter().find(|span| span.name == "create-customer").unwrap();
    let sent = all.iter().find(|span| span.name == "webhook").unwrap();
    assert_eq!(traceparent, format!("00-{TRACE}-{}-01", sent.span_id));
    assert_eq!((sent.trace_id.as_str(), sent.parent_id.as_str(), sent.kind), (TRACE, created.span_id.as_str(), 3));
    assert_eq!((sent.number("http.response.status_code"), sent.text("http.request.method")), (200, "POST"));
    assert_eq!(sent.text("voucherify.event"), "customer.created");
    // A request without a trace begins one.
    client.customer(json!({"source_id": "b"})).await;
    let message = receiver.received(2).await.remove(1);
    let traceparent = message.headers["traceparent"].to_str().unwrap();
    assert!(traceparent.ends_with("-01") && !traceparent.contains(TRACE), "{traceparent}");
    assert!(!message.headers.contains_key("tracestate"));
}

#[tokio::test]
async fn a_failed_delivery_is_an_error_without_its_address() {
    let (collector, receiver) = (Receiver::start().await, Receiver::start().await);
    receiver.always(Reply::Status(500));
    let emulator = traced(&collector).await;
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    create(&client, "a", "01").await;
    let all = received(&collector, |span| span.name == "webhook").await;
    let sent = all.iter().find(|span| span.name == "webhook").unwrap();
    assert!(sent.is_error && sent.text("error.type") == "500");
    let port = receiver.url().rsplit(':').next().unwrap().split('/').next().unwrap().to_owned();
    assert!(sent.attributes.values().all(|value| !value.contains(&port) && !value.contains("127.0.0.1")), "{sent:?}");
}

#[tokio::test]
async fn without_a_collector_the_context_of_the_caller_is_handed_on_unchanged() {
    let receiver = Receiver::start().await;
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created", "customer.updated"]).await;
    for flags in ["01", "00"] {
        create(&client, flags, flags).await;
    }
    let messages = receiver.received(2).await;
    for flags in ["01", "00"] {
        let expected = format!("00-{TRACE}-{CALLER}-{flags}");
        assert!(messages.iter().any(|message| message.headers["traceparent"] == expected.as_str()), "{messages:?}");
    }
    assert!(messages.iter().all(|message| message.headers["tracestate"] == STATE));
    // An update and a creation with a segment are written by other statements.
    let segment = json!({"name": "s", "type": "auto-update", "filter": {"junction": "and", "name": {"conditions": {"$is": ["Alice Morgan"]}}}});
    client.post("/v1/segments", segment).await.expect(200);
    create(&client, "00", "01").await;
    create(&client, "new", "01").await;
    let stored: Vec<Option<String>> = sqlx::query_scalar("SELECT trace_context FROM webhook_deliveries ORDER BY id")
        .fetch_all(&emulator.pool)
        .await
        .unwrap();
    assert_eq!(stored.len(), 4);
    assert!(
        stored.iter().flatten().all(|text| text.ends_with(&format!(" {STATE}"))) && stored.iter().all(Option::is_some)
    );
    // Nothing is stored for a request without a trace, or with one that is not valid.
    client.customer(json!({"source_id": "plain"})).await;
    let headers = [("traceparent", "00-alice@morgan.com"), ("tracestate", STATE), ("content-type", "application/json")];
    let body = Body::from(json!({"source_id": "invalid"}).to_string());
    client.call_with(Method::POST, "/v1/customers", body, &headers).await.expect(200);
    let messages = receiver.received(6).await;
    assert_eq!(messages.iter().filter(|message| !message.headers.contains_key("traceparent")).count(), 2);
    assert!(!emulator.tables_with("00-alice@morgan.com").await.iter().any(|table| table == "webhook_deliveries"));
}

#[tokio::test]
async fn a_trace_that_the_caller_does_not_record_is_only_handed_on() {
    let (collector, receiver) = (Receiver::start().await, Receiver::start().await);
    let emulator = traced(&collector).await;
    let client = emulator.client();
    webhook(&client, &receiver, &["customer.created"]).await;
    create(&client, "a", "00").await;
    let message = receiver.received(1).await.remove(0);
    assert_eq!(message.headers["traceparent"], format!("00-{TRACE}-{CALLER}-00").as_str());
    client.get("/v1/customers/a").await.expect(200);
    let all = received(&collector, |span| span.name == "get-customer").await;
    assert!(all.iter().all(|span| span.trace_id != TRACE), "{all:#?}");
}

#[tokio::test]
async fn the_slices_of_a_job_continue_the_trace_of_the_request_that_started_it() {
    let collector = Receiver::start().await;
    let emulator = traced(&collector).await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    client.done("/v1/customers/bulk/async", json!([{"source_id": "a", "name": "A"}])).await;
    let all = received(&collector, |span| span.name == "CUSTOMERS.BULK_UPDATE").await;
    let accepted = all.iter().find(|span| span.name == "update-customers-in-bulk").unwrap();
    let slice = all.iter().find(|span| span.name == "CUSTOMERS.BULK_UPDATE").unwrap();
    assert_eq!((&slice.trace_id, &slice.parent_id, slice.kind), (&accepted.trace_id, &accepted.span_id, 1));
    let statements: Vec<_> =
        all.iter().filter(|span| span.parent_id == slice.span_id).map(|span| span.name.as_str()).collect();
    assert!(
        statements.contains(&"jobs.lock_first_slice") && statements.contains(&"jobs.finish_slice"),
        "{statements:?}"
    );
}

#[tokio::test]
async fn an_unreachable_collector_does_not_delay_requests() {
    let endpoint = "http://127.0.0.1:9".parse().unwrap();
    let emulator = TestEmulator::with(Clock::System, |config| config.otlp_endpoint = Some(endpoint)).await;
    let client = emulator.client();
    client.customer(json!({"source_id": "a"})).await;
    let start = Instant::now();
    for _ in 0..50 {
        client.get("/v1/customers/a").await.expect(200);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let start = Instant::now();
    emulator.stop_tracing().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let text = emulator.send(Request::get("/_emulator/metrics").body(Body::empty()).unwrap()).await.expect(200).text;
    let failed =
        text.lines().find_map(|line| line.strip_prefix(r#"voucherify_emulator_trace_spans_total{outcome="failed"} "#));
    assert!(failed.unwrap().parse::<f64>().unwrap() >= 51.0, "{text}");
}
