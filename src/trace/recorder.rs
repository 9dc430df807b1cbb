//! Takes the spans that have ended, and passes them to the exporter.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::record::SpanData;
use crate::clock::Clock;
use crate::metrics::TraceMetrics;

/// Takes the spans that have ended.
#[derive(Debug)]
pub(super) struct Recorder {
    spans: mpsc::Sender<SpanData>,
    metrics: TraceMetrics,
}

impl Recorder {
    /// Returns a recorder that passes spans to the channel, and the receiving end.
    pub fn new(
        (spans, ended): (mpsc::Sender<SpanData>, mpsc::Receiver<SpanData>),
        metrics: TraceMetrics,
    ) -> (Arc<Self>, mpsc::Receiver<SpanData>) {
        (Arc::new(Self { spans, metrics }), ended)
    }

    /// Returns the real time in nanoseconds since the Unix epoch. Spans show real time, also where a test controls the clock.
    pub fn now() -> u64 {
        u64::try_from(Clock::System.now().timestamp_micros()).unwrap_or_default() * 1_000
    }

    /// Passes a span to the exporter, without waiting.
    pub fn record(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.metrics.dropped(1);
        }
    }
}
