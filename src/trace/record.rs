//! A span that has ended, as it is sent to the collector.

use std::borrow::Cow;
use std::time::Duration;

/// The role of the emulator in a span, with the number that OTLP gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Work in the background.
    Internal = 1,
    /// The emulator answers a request.
    Server = 2,
    /// The emulator sends a request, or a statement.
    Client = 3,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Cow<'static, str>),
    Number(i64),
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub(super) struct SpanData {
    pub trace_id: [u8; 16],
    pub span_id: [u8; 8],
    pub parent_id: Option<[u8; 8]>,
    /// Whether the parent is a span of another program.
    pub has_remote_parent: bool,
    pub flags: u8,
    pub name: &'static str,
    pub kind: Kind,
    /// In nanoseconds since the Unix epoch.
    pub started_at: u64,
    pub duration: Duration,
    pub attributes: Vec<(&'static str, Value)>,
    pub is_error: bool,
}
