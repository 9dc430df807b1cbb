//! One attempt to deliver a message.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::domain::project_clock::ProjectClock;
use crate::domain::webhook::{AttemptRecord, DueDelivery, RetrySchedule};
use crate::objects::webhook::message;
use crate::service::Core;
use crate::service::webhooks::Attempt;
use crate::webhook::Sender;

/// How long a delivery waits for a free slot of its webhook. After that it is dropped, and read again by a later query.
const MAX_SLOT_WAIT: Duration = Duration::from_secs(2);

/// Sends a delivery, read from the database at `read_at`, as soon as its webhook has a free slot. Returns `None` where
/// it was not sent and must be read again.
pub(super) async fn attempt(
    core: Arc<Core>,
    sender: Sender,
    schedule: RetrySchedule,
    slots: Arc<Semaphore>,
    delivery: DueDelivery,
    read_at: Instant,
) -> Option<AttemptRecord> {
    let _slot = timeout(MAX_SLOT_WAIT, slots.acquire_owned()).await.ok()?.ok()?;
    if core.delivery_notifier.is_cancelled_since(&delivery, read_at) {
        return None;
    }
    let started = Instant::now();
    let started_at = attempt_time(&core, &delivery);
    let sent = sender.send(&delivery.target_url, &delivery.webhook_token, message(&delivery)).await;
    let attempt = Attempt {
        started_at,
        ended_at: started_at.max(attempt_time(&core, &delivery)),
        milliseconds: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        status: sent.status,
        error: sent.error,
    };
    Some(attempt.record(&delivery, schedule))
}

/// Returns the time of the attempt. By real time, it is the current time. A clock that a test controls may have been advanced by days:
/// then the attempt happens at the time at which it was due, so that retries keep their intervals.
fn attempt_time(core: &Core, delivery: &DueDelivery) -> DateTime<Utc> {
    let now = delivery.clock.at(core.clock.now());
    if delivery.clock == ProjectClock::Real { now } else { now.min(delivery.due_at) }
}
