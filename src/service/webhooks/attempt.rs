//! What follows from an attempt to deliver.

use chrono::{DateTime, Utc};

use crate::domain::webhook::{AttemptRecord, DeliveryOutcome, DueDelivery, RetrySchedule};
use crate::objects::{rendered, webhook};

/// An attempt to deliver.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    /// How long it took.
    pub milliseconds: i64,
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// Why it failed; `None` where it did not.
    pub error: Option<String>,
}

impl Attempt {
    /// What is to be written down: it is delivered, or tried again as `schedule` says, or given up.
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
            webhook::write_attempt(out, self.started_at, self.milliseconds, self.status, self.error.as_deref());
        });
        let (address, ended_at) = (of.address.clone(), self.ended_at);
        AttemptRecord { address, round: of.round, due_at, outcome, failures, first_attempt_at, ended_at, attempt }
    }
}
