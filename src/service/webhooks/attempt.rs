//! The result of an attempt to deliver, and what is stored of it.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::domain::webhook::{AttemptRecord, DeliveryOutcome, DueDelivery, RetrySchedule};
use crate::objects::{rendered, webhook};

/// A finished attempt to deliver.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    /// The duration in milliseconds.
    pub milliseconds: i64,
    /// The HTTP status of the response, if there was one.
    pub status: Option<u16>,
    /// Why the attempt failed; `None` where it succeeded.
    pub error: Option<String>,
    /// The id of the fault that hit the attempt.
    pub fault: Option<Arc<str>>,
}

impl Attempt {
    /// Returns what to store: the delivery has succeeded, is retried according to `schedule`, or has failed for good.
    #[must_use]
    pub fn record(&self, of: &DueDelivery, schedule: RetrySchedule) -> AttemptRecord {
        let first_attempt_at = of.first_attempt_at.unwrap_or(self.started_at);
        let failures = of.failures + i32::from(self.error.is_some());
        let due_at = self.error.as_ref().and_then(|_| schedule.next(first_attempt_at, self.ended_at, failures));
        let outcome = match (&self.error, due_at) {
            (None, _) => Some(DeliveryOutcome::Delivered),
            (Some(_), None) => Some(DeliveryOutcome::Failed),
            (Some(_), Some(_)) => None,
        };
        let attempt = rendered(|out| {
            let (error, fault) = (self.error.as_deref(), self.fault.as_deref());
            webhook::write_attempt(out, self.started_at, self.milliseconds, self.status, error, fault);
        });
        let (address, ended_at) = (of.address.clone(), self.ended_at);
        AttemptRecord { address, round: of.round, due_at, outcome, failures, first_attempt_at, ended_at, attempt }
    }
}
