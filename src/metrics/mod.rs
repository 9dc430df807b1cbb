//! What the emulator measures about itself, as Prometheus reads it.
//!
//! Label values are names that the program contains: operation ids, types, states. No label and no value shows a customer, a project, a key
//! or a host, so the number of series has a limit and the answer needs no keys.
//!
//! A part of the program owns the measurements that it makes, and resolves each series once, so that recording costs a few atomic
//! operations. What already exists as a number elsewhere (connections, entries of caches, rows) is read when the metrics are asked for: the
//! [`Sample`].

mod caches;
mod database;
mod exposition;
mod gauges;
mod process;
mod requests;
mod sample;
mod traces;
mod work;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use caches::{CacheCounters, CacheMetrics};
pub use database::{DatabaseMetrics, SizeHistogram};
pub use exposition::Format;
pub use process::ProcessSample;
pub use requests::{
    CONSOLE, ConnectionGauge, NO_OPERATION, OpenConnection, OperationMetrics, RequestMetrics, RequestTimer,
};
pub use sample::{CacheSample, LogSample, PoolSample, Sample, WorkSample};
pub use traces::TraceMetrics;
pub use work::WorkMetrics;

/// The measurements of one emulator.
#[derive(Debug)]
pub struct Metrics {
    pub requests: RequestMetrics,
    pub work: WorkMetrics,
    pub caches: CacheMetrics,
    pub traces: TraceMetrics,
    registry: Registry,
}

impl Metrics {
    /// Returns measurements that begin at zero. Those of the database are owned by its pool of connections.
    #[must_use]
    pub fn new(database: &DatabaseMetrics) -> Self {
        let (requests, work, caches) = (RequestMetrics::default(), WorkMetrics::default(), CacheMetrics::default());
        let traces = TraceMetrics::default();
        let mut registry = Registry::with_prefix(exposition::PREFIX);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of the program", version);
        requests.register(&mut registry);
        database.register(&mut registry);
        work.register(&mut registry);
        caches.register(&mut registry);
        traces.register(&mut registry);
        Self { requests, work, caches, traces, registry }
    }

    /// Returns the text that is served: what was recorded, and the sample.
    #[must_use]
    pub fn text(&self, sample: &Sample, format: Format) -> String {
        exposition::encode(format, [&self.registry, &gauges::of(sample), &process::registry(sample.process.as_ref())])
    }
}
