//! The spans of the statements of the database.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use super::current::{Active, current};
use super::record::{Kind, SpanData, Value};
use super::recorder::Recorder;

/// The time during which a function of [`crate::db`] executes its statements. It ends when this value is dropped.
#[derive(Debug)]
#[must_use = "the statement ends when this value is dropped"]
pub struct Statement(Option<Box<Running>>);

#[derive(Debug)]
struct Running {
    active: Arc<Active>,
    name: &'static str,
    started_at: u64,
    started: Instant,
}

/// Begins the span of a statement, as a child of the span that the running future is part of. Without one, this does nothing. `name` is
/// that of the function below `db`, with dots.
pub fn statement(name: &'static str) -> Statement {
    Statement(current().filter(|active| active.admits_statement()).map(|active| {
        let started_at = Recorder::now();
        Box::new(Running { active, name, started_at, started: Instant::now() })
    }))
}

impl Drop for Statement {
    fn drop(&mut self) {
        let Some(running) = self.0.take() else { return };
        let Running { active, name, started_at, started } = *running;
        let system = Value::Text(Cow::Borrowed("postgresql"));
        active.recorder.record(SpanData {
            trace_id: active.context.trace_id,
            span_id: rand::random::<u64>().max(1).to_be_bytes(),
            parent_id: Some(active.context.span_id),
            has_remote_parent: false,
            flags: active.context.flags(),
            name,
            kind: Kind::Client,
            started_at,
            duration: started.elapsed(),
            attributes: vec![("db.system.name", system), ("db.operation.name", Value::Text(Cow::Borrowed(name)))],
            is_error: false,
        });
    }
}
