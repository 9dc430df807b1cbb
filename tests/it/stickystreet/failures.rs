//! Errors of the emulator itself are returned in the requested output format too.

use std::time::Duration;

use serde_json::json;
use voucherify_emulator::clock::Clock;

use super::{account, other_account, send};
use crate::support::{TestEmulator, TestProject};

const DELETE: [(&str, &str); 2] = [("type", "customer_delete"), ("code", "a")];

/// The fields that request an output format, and the text before and after the error message in it.
type OutputFormat = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const FORMATS: [OutputFormat; 3] = [
    (&[], "<response status=\"error\">\n<error>", "</error>\n</response>"),
    (&[("output", "json"), ("condensed", "yes")], r#"{"status":"error","error":""#, r#""}"#),
    (&[("output", "json"), ("condensed", "yes"), ("callback", "f")], r#"f({"status":"error","error":""#, r#""});"#),
];

/// Expects this status and error message in every output format.
async fn expect_in_all_formats(project: &TestProject, status: u16, text: &str) {
    for (format_fields, before, after) in FORMATS {
        let answer = send(project, &[&account(project)[..], &DELETE, format_fields].concat(), &[]).await.expect(status);
        assert_eq!(answer.text, format!("{before}{text}{after}"));
        assert_eq!(answer.headers.contains_key("retry-after"), status != 500);
    }
}

#[tokio::test]
async fn an_unavailable_database_returns_503() {
    let emulator = TestEmulator::new().await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    emulator.connections.close().await;
    expect_in_all_formats(&emulator, 503, "Service unavailable: The database cannot be reached at the moment").await;
}

#[tokio::test]
async fn an_internal_error_returns_500_without_details() {
    let emulator = TestEmulator::new().await;
    sqlx::query("ALTER TABLE permanent_deletions RENAME TO hidden").execute(&emulator.pool).await.unwrap();
    emulator.client().customer(json!({"source_id": "a"})).await;
    expect_in_all_formats(&emulator, 500, "Internal Server Error").await;
}

#[tokio::test]
async fn a_request_over_the_time_limit_returns_503_and_still_completes() {
    let emulator = TestEmulator::with(Clock::System, |config| config.request_timeout = Duration::from_secs(1)).await;
    emulator.client().customer(json!({"source_id": "a"})).await;
    let blocker = emulator.lock_customer("a").await;
    expect_in_all_formats(&emulator, 503, "Service unavailable: The request took longer than 1 s").await;
    blocker.rollback().await.unwrap();
    for _ in 0..200 {
        if emulator.client().get("/v1/customers/a").await.status == 404 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the deletion was lost");
}

#[tokio::test]
async fn a_rate_limit_counts_the_requests_of_both_apis() {
    let clock = Clock::fixed("2024-01-01T00:00:15Z".parse().unwrap());
    let emulator = TestEmulator::with(clock, |config| config.rate_limit = Some(2)).await;
    emulator.client().get("/v1/customers").await.expect(200);
    let answer = send(&emulator, &[&account(&emulator)[..], &DELETE].concat(), &[]).await.expect(200);
    assert_eq!(answer.header("x-rate-limit-remaining"), "0");
    expect_in_all_formats(&emulator, 429, "Too many requests hit the API too quickly.").await;
    let answer = send(&emulator, &[&other_account(&emulator)[..], &DELETE].concat(), &[]).await.expect(200);
    assert_eq!(answer.header("x-rate-limit-remaining"), "1");
}
