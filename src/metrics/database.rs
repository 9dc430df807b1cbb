//! The connections to the database, and the statements that answer many requests.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The upper limits of the buckets of waits, in seconds. Two seconds is the limit of a wait.
const WAIT_BUCKETS: [f64; 10] = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0];
/// The upper limits of the buckets of sizes.
const SIZE_BUCKETS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

type Sizes = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;

/// How many requests the statements of one kind answer.
#[derive(Clone, Debug)]
pub struct SizeHistogram(Histogram);

impl SizeHistogram {
    /// Records a statement that answers so many requests.
    pub fn record(&self, size: usize) {
        self.0.observe(f64::from(u32::try_from(size).unwrap_or(u32::MAX)));
    }
}

/// What the pool of connections measures.
#[derive(Clone, Debug)]
pub struct DatabaseMetrics {
    wait: Histogram,
    timeouts: Counter,
    opened: Counter,
    batch_sizes: Sizes,
}

impl Default for DatabaseMetrics {
    fn default() -> Self {
        Self {
            wait: Histogram::new(WAIT_BUCKETS),
            timeouts: Counter::default(),
            opened: Counter::default(),
            batch_sizes: Sizes::new_with_constructor(|| Histogram::new(SIZE_BUCKETS)),
        }
    }
}

impl DatabaseMetrics {
    /// Records that the right to use a connection was waited for.
    pub fn waited(&self, duration: Duration) {
        self.wait.observe(duration.as_secs_f64());
    }

    /// Records that no connection became available in time.
    pub fn timed_out(&self) {
        self.timeouts.inc();
    }

    /// Records that a connection was opened.
    pub fn opened(&self) {
        self.opened.inc();
    }

    /// Returns the sizes of the batches of a kind of statement.
    #[must_use]
    pub fn batch_sizes(&self, statement: &'static str) -> SizeHistogram {
        SizeHistogram(self.batch_sizes.get_or_create_owned(&[("statement", statement)]))
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "database_connection_wait",
            "Time that a request or a job waited for the right to use a connection to the database",
            Unit::Seconds,
            self.wait.clone(),
        );
        registry.register(
            "database_connection_timeouts",
            "Waits for a connection to the database that ended without one",
            self.timeouts.clone(),
        );
        registry.register(
            "database_connections_opened",
            "Connections to the database that were opened",
            self.opened.clone(),
        );
        registry.register(
            "batch_size",
            "Requests that one statement answered, by the kind of statement",
            self.batch_sizes.clone(),
        );
    }
}
