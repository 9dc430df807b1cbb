//! The record of one piece of work.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::current::{Active, inside};
use super::record::{Kind, SpanData, Value};
use super::recorder::Recorder;
use crate::domain::trace_context::TraceContext;

/// A piece of work. It ends when it is dropped, and is then recorded if the tracer is on and the caller records the trace.
#[derive(Debug)]
pub struct Span {
    /// What is handed on to other programs: the context of this span or, if it is not recorded, that of its parent.
    context: Option<Arc<TraceContext>>,
    recording: Option<Box<Recording>>,
}

#[derive(Debug)]
struct Recording {
    recorder: Arc<Recorder>,
    active: Arc<Active>,
    data: SpanData,
    started: Instant,
}

impl Span {
    /// Returns a span that is not recorded, and hands on the context of its parent.
    #[must_use]
    pub fn unrecorded(parent: Option<Arc<TraceContext>>) -> Self {
        Self { context: parent, recording: None }
    }

    /// Begins a span that is recorded by `recorder`.
    pub(super) fn recorded(
        recorder: &Arc<Recorder>,
        name: &'static str,
        kind: Kind,
        parent: Option<&TraceContext>,
        has_remote_parent: bool,
    ) -> Self {
        let span_id = rand::random::<u64>().max(1).to_be_bytes();
        let context = parent.map_or_else(
            || TraceContext::root(rand::random::<u128>().max(1).to_be_bytes(), span_id),
            |parent| parent.of_span(span_id),
        );
        let data = SpanData {
            trace_id: context.trace_id,
            span_id,
            parent_id: parent.map(|parent| parent.span_id),
            has_remote_parent,
            flags: context.flags(),
            name,
            kind,
            started_at: Recorder::now(),
            duration: Duration::ZERO,
            attributes: Vec::with_capacity(8),
            is_error: false,
        };
        let context = Arc::new(context);
        let active = Arc::new(Active::new(Arc::clone(recorder), Arc::clone(&context)));
        let recording = Recording { recorder: Arc::clone(recorder), active, data, started: Instant::now() };
        Self { context: Some(context), recording: Some(Box::new(recording)) }
    }

    /// Returns the context for what this work causes in other programs, and later in this one.
    #[must_use]
    pub fn context(&self) -> Option<&Arc<TraceContext>> {
        self.context.as_ref()
    }

    /// Returns whether the span is recorded, so that its attributes are worth computing.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.recording.is_some()
    }

    /// Returns a future that is part of this work: the statements that it executes become children of the span.
    pub fn enter<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + Unpin + use<F> {
        inside(self.recording.as_ref().map(|recording| Arc::clone(&recording.active)), future)
    }

    /// Sets an attribute to a name that the program contains.
    pub fn set_name(&mut self, key: &'static str, name: &'static str) {
        self.set(key, Value::Text(Cow::Borrowed(name)));
    }

    /// Sets an attribute to the id of a request or a job.
    pub fn set_id(&mut self, key: &'static str, id: &str) {
        if self.recording.is_some() {
            self.set(key, Value::Text(Cow::Owned(id.to_owned())));
        }
    }

    /// Sets an attribute to a number.
    pub fn set_number(&mut self, key: &'static str, number: impl Into<i64>) {
        self.set(key, Value::Number(number.into()));
    }

    fn set(&mut self, key: &'static str, value: Value) {
        if let Some(recording) = &mut self.recording {
            recording.data.attributes.push((key, value));
        }
    }

    /// Marks the work as failed. `kind` is the kind of the error: a status code, or a name that the program contains.
    pub fn fail(&mut self, kind: impl Into<Cow<'static, str>>) {
        self.set("error.type", Value::Text(kind.into()));
        if let Some(recording) = &mut self.recording {
            recording.data.is_error = true;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(recording) = self.recording.take() else { return };
        let Recording { recorder, active, mut data, started } = *recording;
        data.duration = started.elapsed();
        let omitted = active.omitted();
        if omitted > 0 {
            data.attributes.push(("voucherify.omitted_statements", Value::Number(omitted.into())));
        }
        recorder.record(data);
    }
}
