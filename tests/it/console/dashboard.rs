//! The plots on the first page of a project.

use serde_json::json;

use super::Browser;
use super::browser::row;
use crate::support::{TestEmulator, TestProject};

#[tokio::test]
async fn the_plots_show_the_numbers_of_each_minute() {
    let emulator = TestEmulator::at("2030-01-01T12:00:30Z").await;
    let client = emulator.client();
    for name in ["alice", "bob"] {
        client.customer(json!({"source_id": name})).await;
    }
    client.get("/v1/nothing").await.expect(404);
    let fault = json!({"path": "/v1/orders", "status": 503, "delay_ms": 200, "times": 1});
    client.post("/_emulator/faults", fault).await.expect(200);
    client.get("/v1/orders").await.expect(503);
    emulator.set_clock("2030-01-01T12:03:00Z");
    client.customer(json!({"source_id": "carol"})).await;

    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    let page = browser.page(&path).await;
    assert!(page.contains("The request log keeps the last 200 requests of a project."), "{page}");
    let numbers = |chart: &str, minute: &str| row(&page, &format!("id=\"{chart}-heading\""), minute);
    assert_eq!(numbers("requests", "12:00"), ["12:00", "2", "0", "1", "1"]);
    assert_eq!(numbers("requests", "12:02"), ["12:02", "0", "0", "0", "0"]);
    assert_eq!(numbers("requests", "12:03"), ["12:03", "1", "0", "0", "0"]);
    assert_eq!(numbers("customers", "12:00"), ["12:00", "2"]);
    assert_eq!(numbers("customers", "12:03"), ["12:03", "1"]);
    let latency: Vec<f64> = numbers("latency", "12:00")[1..].iter().map(|text| text.parse().unwrap()).collect();
    assert!(latency[0] < 200.0 && latency[1] >= 200.0, "{latency:?}");
    assert!(page.contains("2xx: 3, 3xx: 0, 4xx: 1, 5xx or none: 1</desc>"), "{page}");
    assert!(page.contains("In the last 15 minutes 3 customers were created</desc>"), "{page}");
    assert_eq!(page.matches("<rect class=\"series-good\" x=").count(), 2, "a bar for each minute with a success");

    // Fifteen minutes later nothing of it is left.
    emulator.set_clock("2030-01-01T12:18:00Z");
    let page = browser.page(&path).await;
    assert!(
        !page.contains("<svg viewBox=\"0 0 480 250\"") && page.contains("No customer was created in the last"),
        "{page}"
    );
}

#[tokio::test]
async fn a_minute_with_very_many_new_customers_says_more_than() {
    let emulator = TestEmulator::at("2030-01-01T12:00:30Z").await;
    let client = emulator.client();
    let customers = |start: usize, end: usize| {
        (start..end)
            .map(|number| json!({"id": customer_id(number), "created_at": "2030-01-01T12:00:00Z"}))
            .collect::<Vec<_>>()
    };
    client.put("/_emulator/state", state(&customers(0, 1_000))).await.expect(200);
    client.delete(&format!("/v1/customers/{}", customer_id(0))).await.expect(204);
    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    let numbers = |page: &str| row(page, "id=\"customers-heading\"", "12:00");
    let page = browser.page(&path).await;
    assert_eq!(numbers(&page), ["12:00", "1000"], "a customer that was deleted softly was created too");
    assert!(!page.contains("series-beyond"), "{page}");

    client.post("/_emulator/state", state(&customers(1_000, 1_001))).await.expect(200);
    let page = browser.page(&path).await;
    assert_eq!(numbers(&page), ["12:00", "more than 1000"]);
    assert!(
        page.contains("more than 1,000 customers were created. No more than 1,000 are counted in a minute</desc>"),
        "{page}"
    );
}

fn customer_id(number: usize) -> String {
    format!("cust_{number:024}")
}

/// Returns a state document with those customers.
fn state(customers: &[serde_json::Value]) -> serde_json::Value {
    json!({"format": "voucherify-emulator", "version": 1, "customers": customers})
}

#[tokio::test]
async fn an_empty_project_shows_the_calls_that_fill_the_plots() {
    let project = TestProject::new();
    let client = project.client();
    client.get("/v1/customers").await.expect(200);
    client.delete("/_emulator/requests").await.expect(204);
    let browser = Browser::new(&project);
    let path = browser.project_path(project.server_keys().0).await;
    let page = browser.page(&path).await;
    assert!(page.contains("No request of the last 15 minutes is in the log."), "{page}");
    assert!(page.contains("curl http://127.0.0.1:8682/v1/customers"), "{page}");
}

#[tokio::test]
async fn a_full_log_says_that_older_requests_are_missing() {
    let clock = voucherify_emulator::clock::Clock::System;
    let emulator = TestEmulator::with(clock, |config| config.request_log = 2).await;
    let client = emulator.client();
    let browser = Browser::new(&emulator);
    let path = browser.project_path(emulator.server_keys().0).await;
    client.get("/v1/customers").await.expect(200);
    assert!(!browser.page(&path).await.contains("It is full"));
    client.get("/v1/customers").await.expect(200);
    client.get("/v1/customers").await.expect(200);
    let page = browser.page(&path).await;
    assert!(page.contains("keeps the last 2 requests of a project. It is full, so requests before"), "{page}");
    assert!(page.contains("2xx: 2,"), "{page}");
}
