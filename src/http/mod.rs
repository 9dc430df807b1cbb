//! The HTTP kit: listener, authentication, parsing of queries and payloads, errors, CORS, rate limits, and the table of routes.
//!
//! It contains no endpoint; those are in [`crate::api`].

pub mod answer;
pub mod auth;
pub mod base_url;
pub mod cors;
pub mod csv_rows;
pub mod error;
pub mod extract;
pub mod form;
pub mod frame;
pub mod listener;
pub mod payload;
pub mod query;
pub mod rate_limit;
pub mod records;
pub mod routes;
pub mod state;
pub mod upload;

mod origin;
mod run_to_end;

pub use auth::enter_with;
pub use error::ApiError;
pub use extract::{Id, InnerId, Json, read_body};
pub use frame::InFlight;
pub use listener::JsonListener;
pub use payload::Object;
pub use query::Query;
pub use rate_limit::RateLimits;
pub use routes::{Endpoint, Routes, delete, get, not_allowed, post, put};
