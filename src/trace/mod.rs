//! Traces: which requests, statements, slices of jobs and webhook deliveries there were, how long each took, and what caused it. They are
//! sent to a collector by the protocol of OpenTelemetry (OTLP over HTTP) where the options name one.
//!
//! A [`Span`] is the record of one piece of work. While a future runs [inside](Span::enter) a span, each function of [`crate::db`] that it
//! calls adds a child of that span with [`statement`]. The attributes of spans are names that the program contains, status codes, and the
//! ids of requests: nothing that a client has sent.
//!
//! The crates of OpenTelemetry are not used. Version 0.33 of its SDK brings second versions of `rand`, `rand_core` and `getrandom`, and some
//! twenty further crates, for what `otlp` and `exporter` do in a few hundred lines.

mod current;
mod endpoint;
mod exporter;
mod otlp;
mod record;
mod recorder;
mod span;
mod statement;
mod tracer;

pub use endpoint::Endpoint;
pub use record::Kind;
pub use span::Span;
pub use statement::{Statement, statement};
pub use tracer::Tracer;
