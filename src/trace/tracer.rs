//! Begins spans, and passes those that have ended to the exporter.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::endpoint::Endpoint;
use super::exporter;
use super::record::Kind;
use super::recorder::Recorder;
use super::span::Span;
use crate::domain::trace_context::TraceContext;
use crate::metrics::TraceMetrics;

/// How many spans wait for the exporter at most. Further ones are dropped and counted.
const MAX_WAITING_SPANS: usize = 8_192;
/// How long a stop waits until the last spans are sent.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Begins spans. While it is off, spans record nothing and only hand on the context of their caller.
#[derive(Debug, Default)]
pub struct Tracer(Option<Running>);

#[derive(Debug)]
struct Running {
    recorder: Arc<Recorder>,
    stop: watch::Sender<bool>,
    exporting: Mutex<Option<JoinHandle<()>>>,
}

impl Tracer {
    /// Returns a tracer that sends spans to `endpoint`; without one, it is off.
    #[must_use]
    pub fn start(endpoint: Option<&Endpoint>, metrics: &TraceMetrics) -> Self {
        let Some(endpoint) = endpoint else { return Self::default() };
        let (recorder, ended) = Recorder::new(mpsc::channel(MAX_WAITING_SPANS), metrics.clone());
        let (stop, stopped) = watch::channel(false);
        let exporting = tokio::spawn(exporter::run(endpoint.clone(), metrics.clone(), ended, stopped));
        Self(Some(Running { recorder, stop, exporting: Mutex::new(Some(exporting)) }))
    }

    /// Begins a span for a request, with what the caller has sent as its parent.
    #[must_use]
    pub fn request(&self, name: &'static str, parent: Option<TraceContext>) -> Span {
        self.span(name, Kind::Server, parent.map(Arc::new), true)
    }

    /// Begins a span for work that `cause` has caused, earlier or in another process. Without a cause, it begins a trace.
    #[must_use]
    pub fn work(&self, name: &'static str, kind: Kind, cause: Option<Arc<TraceContext>>) -> Span {
        self.span(name, kind, cause, false)
    }

    fn span(&self, name: &'static str, kind: Kind, parent: Option<Arc<TraceContext>>, is_remote: bool) -> Span {
        match &self.0 {
            Some(running) if parent.as_ref().is_none_or(|parent| parent.is_sampled()) => {
                let is_remote = is_remote && parent.is_some();
                Span::recorded(&running.recorder, name, kind, parent.as_deref(), is_remote)
            }
            _ => Span::unrecorded(parent),
        }
    }

    /// Sends the spans that wait, and ends the exporter, by the deadline or earlier.
    pub async fn stop(&self, deadline: Instant) {
        let Some(running) = &self.0 else { return };
        let _ = running.stop.send(true);
        let exporting = running.exporting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(exporting) = exporting {
            let deadline = deadline.min(Instant::now() + FLUSH_TIMEOUT);
            let _ = timeout_at(deadline, exporting).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracer_that_is_off_hands_on_the_context_of_the_caller() {
        let tracer = Tracer::default();
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let span = tracer.request("get-customer", TraceContext::parse(text, None));
        assert_eq!((span.context().unwrap().traceparent().as_str(), span.is_recorded()), (text, false));
        assert!(tracer.request("get-customer", None).context().is_none());
    }

    #[tokio::test]
    async fn a_trace_that_the_caller_does_not_record_is_not_recorded() {
        let endpoint = "http://127.0.0.1:9".parse().unwrap();
        let tracer = Tracer::start(Some(&endpoint), &TraceMetrics::default());
        let parent = |flags: &str| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        let span = tracer.request("get-customer", TraceContext::parse(&parent("00"), None));
        assert_eq!((span.context().unwrap().traceparent(), span.is_recorded()), (parent("00"), false));
        let span = tracer.request("get-customer", TraceContext::parse(&parent("01"), None));
        let handed_on = span.context().unwrap().traceparent();
        assert!(span.is_recorded() && handed_on.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert_ne!(handed_on, parent("01"));
        assert!(tracer.request("get-customer", None).is_recorded());
    }
}
