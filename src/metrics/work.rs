//! The work in the background: jobs and webhook deliveries.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The upper limits of the buckets of slices, in seconds.
const SLICE_BUCKETS: [f64; 9] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];
/// The upper limits of the buckets of attempts, in seconds. Ten seconds is the limit of an attempt.
const ATTEMPT_BUCKETS: [f64; 9] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0];

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// What the workers measure.
#[derive(Clone, Debug)]
pub struct WorkMetrics {
    slices: Family<Labels<1>, Histogram, fn() -> Histogram>,
    failed_slices: Family<Labels<1>, Counter>,
    finished_jobs: Family<Labels<2>, Counter>,
    attempts: Family<Labels<1>, Counter>,
    attempt_duration: Histogram,
    finished_deliveries: Family<Labels<1>, Counter>,
}

impl Default for WorkMetrics {
    fn default() -> Self {
        let metrics = Self {
            slices: Family::new_with_constructor(|| Histogram::new(SLICE_BUCKETS)),
            failed_slices: Family::default(),
            finished_jobs: Family::default(),
            attempts: Family::default(),
            attempt_duration: Histogram::new(ATTEMPT_BUCKETS),
            finished_deliveries: Family::default(),
        };
        // An alert needs the series of failures before the first one happens.
        for outcome in ["delivered", "failed"] {
            drop(metrics.attempts.get_or_create(&[("outcome", outcome)]));
            drop(metrics.finished_deliveries.get_or_create(&[("outcome", outcome)]));
        }
        metrics
    }
}

impl WorkMetrics {
    /// Records a slice of a job that was applied.
    pub fn slice_applied(&self, kind: &'static str, duration: Duration) {
        self.slices.get_or_create(&[("type", kind)]).observe(duration.as_secs_f64());
    }

    /// Records that a slice of a job has failed. It may be tried again.
    pub fn slice_failed(&self, kind: &'static str) {
        self.failed_slices.get_or_create(&[("type", kind)]).inc();
    }

    /// Records that a job has finished.
    pub fn job_finished(&self, kind: &'static str, has_failed: bool) {
        let outcome = if has_failed { "failed" } else { "done" };
        self.finished_jobs.get_or_create(&[("type", kind), ("outcome", outcome)]).inc();
    }

    /// Records an attempt to deliver a webhook message. Nothing was sent where there is no duration.
    pub fn attempt_ended(&self, is_delivered: bool, duration: Option<Duration>) {
        self.attempts.get_or_create(&[("outcome", outcome(is_delivered))]).inc();
        if let Some(duration) = duration {
            self.attempt_duration.observe(duration.as_secs_f64());
        }
    }

    /// Records that no further attempt is made to deliver a webhook message.
    pub fn delivery_finished(&self, is_delivered: bool) {
        self.finished_deliveries.get_or_create(&[("outcome", outcome(is_delivered))]).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "job_slice_duration",
            "Time that a slice of a background job took, by the type of the job",
            Unit::Seconds,
            self.slices.clone(),
        );
        registry.register(
            "job_slice_failures",
            "Slices of background jobs that failed; a slice may be tried again",
            self.failed_slices.clone(),
        );
        registry.register("jobs_finished", "Background jobs that this process finished", self.finished_jobs.clone());
        registry.register(
            "webhook_attempts",
            "Attempts to deliver a webhook message, by their outcome",
            self.attempts.clone(),
        );
        registry.register_with_unit(
            "webhook_attempt_duration",
            "Time that an attempt to deliver a webhook message took",
            Unit::Seconds,
            self.attempt_duration.clone(),
        );
        registry.register(
            "webhook_deliveries_finished",
            "Webhook deliveries that succeeded, or failed at the last attempt",
            self.finished_deliveries.clone(),
        );
    }
}

fn outcome(is_delivered: bool) -> &'static str {
    if is_delivered { "delivered" } else { "failed" }
}
