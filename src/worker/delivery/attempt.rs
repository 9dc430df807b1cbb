//! One attempt to deliver a message.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::postponed::Postponement;
use crate::domain::fault::DeliveryFault;
use crate::domain::project_clock::ProjectClock;
use crate::domain::webhook::{AttemptRecord, DueDelivery, RetrySchedule};
use crate::objects::webhook::message;
use crate::service::Core;
use crate::service::faults::{self, Hit};
use crate::service::webhooks::Attempt;
use crate::trace::{Kind, Span};
use crate::webhook::{SendOutcome, Sender};

/// How long a delivery waits for a free slot of its webhook. After that it is dropped, and read again by a later query.
const MAX_SLOT_WAIT: Duration = Duration::from_secs(2);
/// The error of an attempt that a fault fails.
const FAULT_ERROR: &str = "A fault failed the attempt, and nothing was sent";

/// How an attempt ended.
pub(super) enum AttemptOutcome {
    /// Nothing was sent. The delivery must be read again.
    NotSent,
    /// Nothing was sent. The delivery must be read again after the delay of a fault.
    Postponed(Postponement),
    Completed(AttemptRecord),
}

/// Sends a delivery, read from the database at `read_at`, as soon as its webhook has a free slot. `postponed_by` is the fault that
/// has delayed it until now.
pub(super) async fn attempt(
    core: Arc<Core>,
    sender: Sender,
    schedule: RetrySchedule,
    slots: Arc<Semaphore>,
    delivery: DueDelivery,
    read_at: Instant,
    postponed_by: Option<Hit<DeliveryFault>>,
) -> AttemptOutcome {
    let not_sent = |hit: Option<Hit<DeliveryFault>>| match hit {
        None => AttemptOutcome::NotSent,
        // The match of the fault was counted, so keep it for the next time that the delivery is read.
        Some(hit) => AttemptOutcome::Postponed(Postponement { hit, until: Instant::now(), read_at }),
    };
    let is_cancelled = || core.delivery_notifier.is_cancelled_since(&delivery, read_at);
    let Ok(Ok(_slot)) = timeout(MAX_SLOT_WAIT, Arc::clone(&slots).acquire_owned()).await else {
        return not_sent(postponed_by);
    };
    if is_cancelled() {
        return not_sent(postponed_by);
    }
    let hit = match postponed_by {
        Some(hit) => Some(hit),
        None => match find_hit(&core, &delivery).await {
            Some(hit) if !hit.delay.is_zero() => {
                let until = Instant::now() + hit.delay;
                return AttemptOutcome::Postponed(Postponement { hit, until, read_at });
            }
            // The database was asked in between.
            hit if is_cancelled() => return not_sent(hit),
            hit => hit,
        },
    };
    let mut span = core.tracer.work("webhook", Kind::Client, delivery.trace.clone());
    let trace = span.context().cloned();
    let post = || {
        let message = message(&delivery);
        sender.send(&delivery.target_url, &delivery.webhook_token, message, trace.as_deref())
    };
    let started = Instant::now();
    let started_at = attempt_time(&core, &delivery);
    let sent = match &hit {
        Some(hit) if hit.rule.fail => SendOutcome { status: None, error: Some(FAULT_ERROR.to_owned()) },
        _ => post().await,
    };
    let is_sent = !hit.as_ref().is_some_and(|hit| hit.rule.fail);
    describe(&mut span, &delivery, &sent);
    drop(span);
    core.metrics.work.attempt_ended(sent.is_delivered(), is_sent.then(|| started.elapsed()));
    let attempt = Attempt {
        started_at,
        ended_at: started_at.max(attempt_time(&core, &delivery)),
        milliseconds: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        status: sent.status,
        error: sent.error,
        fault: hit.as_ref().map(|hit| Arc::clone(&hit.id)),
    };
    let mut is_answered = sent.status.is_some();
    for _ in 0..hit.and_then(|hit| hit.rule.duplicate).unwrap_or_default() {
        // Send no more to an endpoint that does not answer, after an erasure, or when the worker stops.
        if !is_answered || is_cancelled() || slots.is_closed() {
            break;
        }
        is_answered = post().await.status.is_some();
    }
    AttemptOutcome::Completed(attempt.record(&delivery, schedule))
}

/// Sets the attributes of an attempt. The address of the receiver may contain names and secrets of its owner, so it is left out.
fn describe(span: &mut Span, delivery: &DueDelivery, sent: &SendOutcome) {
    if !span.is_recorded() {
        return;
    }
    span.set_name("http.request.method", "POST");
    span.set_id("voucherify.delivery_id", &delivery.address.id);
    span.set_id("voucherify.event", &delivery.entry.kind);
    span.set_number("voucherify.failures", delivery.failures);
    match sent.status {
        Some(status) => {
            span.set_number("http.response.status_code", status);
            if !sent.is_delivered() {
                span.fail(status.to_string());
            }
        }
        None => span.fail("no_answer"),
    }
}

/// Returns the fault that hits the attempt. An attempt that was not recorded, because the process was killed, is made again, and then it
/// is another match.
async fn find_hit(core: &Core, delivery: &DueDelivery) -> Option<Hit<DeliveryFault>> {
    faults::find_delivery_hit(core, delivery).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "failed to find the fault of a webhook delivery");
        None
    })
}

/// Returns the time of the attempt. By real time, it is the current time. A clock that a test controls may have been advanced by days:
/// then the attempt happens at the time at which it was due, so that retries keep their intervals.
fn attempt_time(core: &Core, delivery: &DueDelivery) -> DateTime<Utc> {
    let now = delivery.clock.at(core.clock.now());
    if delivery.clock == ProjectClock::Real { now } else { now.min(delivery.due_at) }
}
