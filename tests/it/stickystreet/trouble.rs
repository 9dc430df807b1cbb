//! What is wrong with neither the call nor the customer is told in the form that was asked for, too.

use std::time::Duration;

use serde_json::json;
use voucherify_emulator::clock::Clock;

use super::{ACCOUNT, STRANGER, send};
use crate::support::World;

const DELETE: [(&str, &str); 2] = [("type", "customer_delete"), ("code", "a")];
/// What asks for a form, and what stands before and after the text of an error in it.
type Form = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const FORMS: [Form; 3] = [
    (&[], "<response status=\"error\">\n<error>", "</error>\n</response>"),
    (&[("output", "json"), ("condensed", "yes")], r#"{"status":"error","error":""#, r#""}"#),
    (&[("output", "json"), ("condensed", "yes"), ("callback", "f")], r#"f({"status":"error","error":""#, r#""});"#),
];

async fn expect(world: &World, status: u16, text: &str) {
    for (form, before, after) in FORMS {
        let answer = send(world, &[&ACCOUNT[..], &DELETE, form].concat(), &[]).await.expect(status);
        assert_eq!(answer.text, format!("{before}{text}{after}"));
        assert_eq!(answer.headers.contains_key("retry-after"), status != 500);
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_503() {
    let world = World::new().await;
    world.client().customer(json!({"source_id": "a"})).await;
    world.connections.close().await;
    expect(&world, 503, "Service unavailable: The database cannot be reached at the moment").await;
}

#[tokio::test]
async fn an_unknown_failure_tells_nothing_of_the_inside() {
    let world = World::new().await;
    sqlx::query("ALTER TABLE permanent_deletions RENAME TO hidden").execute(&world.pool).await.unwrap();
    world.client().customer(json!({"source_id": "a"})).await;
    expect(&world, 500, "Internal Server Error").await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_503_and_goes_on_to_its_end() {
    let world = World::with(Clock::System, |config| config.request_timeout = Duration::from_secs(1)).await;
    world.client().customer(json!({"source_id": "a"})).await;
    let holder = world.hold("a").await;
    expect(&world, 503, "Service unavailable: The request took longer than 1 s").await;
    holder.rollback().await.unwrap();
    for _ in 0..200 {
        if world.client().get("/v1/customers/a").await.status == 404 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the deletion was lost");
}

#[tokio::test]
async fn a_rate_limit_counts_the_calls_of_either_door() {
    let clock = Clock::fixed("2024-01-01T00:00:15Z".parse().unwrap());
    let world = World::with(clock, |config| config.rate_limit = Some(2)).await;
    world.client().get("/v1/customers").await.expect(200);
    let answer = send(&world, &[&ACCOUNT[..], &DELETE].concat(), &[]).await.expect(200);
    assert_eq!(answer.header("x-rate-limit-remaining"), "0");
    expect(&world, 429, "Too many requests hit the API too quickly.").await;
    let answer = send(&world, &[&STRANGER[..], &DELETE].concat(), &[]).await.expect(200);
    assert_eq!(answer.header("x-rate-limit-remaining"), "1");
}
