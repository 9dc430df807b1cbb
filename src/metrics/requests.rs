//! The requests of clients, by operation.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The operation of requests that no operation answers.
pub const NO_OPERATION: &str = "none";
/// The operation of all pages of the console.
pub const CONSOLE: &str = "console";

/// The upper limits of the buckets, in seconds.
const BUCKETS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The status of a request that was not answered.
const NO_ANSWER: u16 = 0;

type Durations = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    operation: &'static str,
    status: String,
}

/// The requests, and the connections on which they arrive.
#[derive(Clone, Debug)]
pub struct RequestMetrics {
    durations: Durations,
    answers: Family<AnswerLabels, Counter>,
    /// The open connections of clients.
    pub connections: ConnectionGauge,
}

impl Default for RequestMetrics {
    fn default() -> Self {
        let durations = Durations::new_with_constructor(|| Histogram::new(BUCKETS));
        Self { durations, answers: Family::default(), connections: ConnectionGauge::default() }
    }
}

impl RequestMetrics {
    /// Returns the measurements of an operation.
    #[must_use]
    pub fn operation(&self, operation: &'static str) -> OperationMetrics {
        let all = self.clone();
        OperationMetrics(Arc::new(Operation {
            id: operation,
            all,
            duration: OnceLock::new(),
            answers: RwLock::default(),
        }))
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("http_requests", "Requests by operation and status code", self.answers.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to the head of its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register("http_connections", "Open connections of clients", self.connections.0.clone());
    }
}

/// How many connections of clients are open.
#[derive(Clone, Debug, Default)]
pub struct ConnectionGauge(Gauge);

impl ConnectionGauge {
    /// Counts a connection until the returned value is dropped.
    #[must_use]
    pub fn open(&self) -> OpenConnection {
        self.0.inc();
        OpenConnection(self.0.clone())
    }
}

/// A connection that is counted as open.
#[derive(Debug)]
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The measurements of one operation.
#[derive(Clone, Debug)]
pub struct OperationMetrics(Arc<Operation>);

#[derive(Debug)]
struct Operation {
    id: &'static str,
    all: RequestMetrics,
    /// Resolved at the first request, so that operations without requests have no series.
    duration: OnceLock<Histogram>,
    /// The counters of the status codes that were answered. There are few, so that a search is faster than a map.
    answers: RwLock<Vec<(u16, Counter)>>,
}

impl OperationMetrics {
    /// Returns a timer of a request that has arrived at `started`.
    #[must_use]
    pub fn start(&self, started: Instant) -> RequestTimer {
        RequestTimer { operation: self.clone(), started, status: NO_ANSWER }
    }

    /// Counts a request that was answered with that status.
    pub fn record(&self, status: u16, duration: Duration) {
        let Operation { id, all, duration: series, answers } = &*self.0;
        let series = series.get_or_init(|| all.durations.get_or_create_owned(&[("operation", *id)]));
        series.observe(duration.as_secs_f64());
        let known = answers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, counter)) = known.iter().find(|(known, _)| *known == status) {
            counter.inc();
            return;
        }
        drop(known);
        let text = if status == NO_ANSWER { "none".to_owned() } else { status.to_string() };
        let counter = all.answers.get_or_create_owned(&AnswerLabels { operation: id, status: text });
        counter.inc();
        answers.write().unwrap_or_else(PoisonError::into_inner).push((status, counter));
    }
}

/// Counts a request when it is dropped, also when its client has disconnected before the answer.
#[derive(Debug)]
pub struct RequestTimer {
    operation: OperationMetrics,
    started: Instant,
    status: u16,
}

impl RequestTimer {
    /// Sets the status of the answer; `None` where the connection is closed without one.
    pub fn answered(&mut self, status: impl Into<Option<u16>>) {
        self.status = status.into().unwrap_or(NO_ANSWER);
    }
}

impl Drop for RequestTimer {
    fn drop(&mut self) {
        self.operation.record(self.status, self.started.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_not_answered_is_counted_without_a_status() {
        let metrics = RequestMetrics::default();
        let operation = metrics.operation("get-customer");
        operation.start(Instant::now()).answered(200);
        operation.start(Instant::now()).answered(200);
        drop(operation.start(Instant::now()));
        let count = |status: &str| {
            let labels = AnswerLabels { operation: "get-customer", status: status.to_owned() };
            metrics.answers.get_or_create(&labels).get()
        };
        assert_eq!((count("200"), count("none"), count("404")), (2, 1, 0));
    }
}
