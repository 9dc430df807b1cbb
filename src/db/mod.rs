//! The only SQL. Free functions on a connection, one file per family of tables.
//!
//! Statements are checked against the schema when the crate is compiled, from the committed `.sqlx/`; after a change run
//! `scripts/prepare-queries`. A function that writes what a list counts keeps `row_counts` in the same statement.

pub mod activity;
pub mod activity_list;
pub mod connect;
pub mod consents;
pub mod credentials;
pub mod customers;
pub mod error;
pub mod event_schemas;
pub mod events;
pub mod exports;
pub mod filter;
pub mod jobs;
pub mod keys;
pub mod metadata_schemas;
pub mod named_keys;
pub mod oauth_tokens;
pub mod orders;
pub mod permanent_deletions;
pub mod pool;
pub mod project_deletions;
pub mod projects;
pub mod row_counts;
pub mod rules;
pub mod segments;
pub mod upkeep;
pub mod webhook_deliveries;
pub mod webhooks;

mod json;
