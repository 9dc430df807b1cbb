//! The HTTP kit: connections, authentication, parsing of queries and payloads, errors, CORS, rate limits, and the table of routes.
//!
//! It contains no endpoint; those are in [`crate::api`].

pub(crate) mod accept;
pub mod answer;
pub(crate) mod auth;
pub(crate) mod base_url;
pub(crate) mod body_path;
pub mod connection;
pub(crate) mod cors;
pub(crate) mod csv_rows;
pub(crate) mod document;
pub(crate) mod edge;
pub mod error;
pub(crate) mod event_stream;
pub(crate) mod extract;
pub(crate) mod faults;
pub(crate) mod form;
pub(crate) mod frame;
#[doc(hidden)]
pub mod fuzz;
pub(crate) mod origin;
pub mod parse_budget;
pub(crate) mod payload;
pub(crate) mod query;
pub(crate) mod rate_limit;
pub(crate) mod records;
pub(crate) mod request_context;
pub mod routes;
pub(crate) mod run_to_end;
pub(crate) mod scheme;
pub mod state;
pub(crate) mod trace_headers;
pub(crate) mod trailing_slash;
pub(crate) mod unexpected_body;
pub(crate) mod unread;
pub(crate) mod upload;

mod request_log;

pub use connection::{ConnectionLimits, HttpServer};
pub use error::ApiError;
pub(crate) use extract::{Id, InnerId, Json, Query, read_body};
pub(crate) use payload::Object;
pub use rate_limit::RateLimits;
pub(crate) use request_context::RequestContext;
pub use routes::{Endpoint, Routes, delete, get, post, put};

pub(crate) use routes::not_allowed;
