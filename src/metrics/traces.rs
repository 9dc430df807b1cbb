//! The spans of traces.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

type Counts = Family<[(&'static str, &'static str); 1], Counter>;

/// What became of the spans that ended.
#[derive(Clone, Debug)]
pub struct TraceMetrics {
    all: Counts,
    exported: Counter,
    failed: Counter,
    dropped: Counter,
}

impl Default for TraceMetrics {
    fn default() -> Self {
        let all = Counts::default();
        let counter = |outcome| all.get_or_create_owned(&[("outcome", outcome)]);
        let (exported, failed, dropped) = (counter("exported"), counter("failed"), counter("dropped"));
        Self { all, exported, failed, dropped }
    }
}

impl TraceMetrics {
    /// Records that the collector has accepted spans.
    pub fn exported(&self, count: u64) {
        self.exported.inc_by(count);
    }

    /// Records that the collector has not accepted spans.
    pub fn failed(&self, count: u64) {
        self.failed.inc_by(count);
    }

    /// Records that spans were dropped, because too many waited for the collector.
    pub fn dropped(&self, count: u64) {
        self.dropped.inc_by(count);
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("trace_spans", "Spans of traces, by what became of them", self.all.clone());
    }
}
