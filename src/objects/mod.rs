//! Serializes the vendor's JSON objects for answers, activity entries, webhooks and exports. There is one file per
//! object. Each appends to a buffer, in the vendor's order of members, and copies stored JSON unchanged.

pub mod activity;
pub mod async_action;
pub mod consent;
pub mod control;
pub mod csv;
pub mod customer;
pub mod deletion;
pub mod erasure_check;
pub mod event;
pub mod export;
pub mod fault;
pub mod key;
pub mod list;
pub mod logged_request;
pub mod metadata_schema;
pub mod oauth;
pub mod order;
pub mod project;
pub mod segment;
pub mod snapshot;
pub mod state;
pub mod webhook;
mod writer;

pub use writer::{ObjectWriter, rendered};
