//! All SQL of the program: functions on a connection, one file for each family of tables. The SQL functions of the
//! database are in `functions/`.
//!
//! The compiler checks the statements against the committed metadata in `.sqlx/`; run `scripts/prepare-queries` after
//! a change. A function that inserts or deletes rows of a counted list updates `row_counts` in the same transaction.

pub mod activity;
pub mod activity_list;
pub mod batch_queue;
pub mod batches;
pub mod configured_keys;
pub mod connect;
mod connection_shares;
pub mod consents;
pub mod credentials;
pub mod customers;
pub mod distribution;
pub mod erasure_check;
pub mod error;
pub mod event_schemas;
pub mod events;
pub mod exports;
pub mod faults;
pub mod filter;
pub mod functions;
pub mod jobs;
pub mod keys;
pub mod metadata_schemas;
pub mod oauth_tokens;
pub mod orders;
pub mod pending_work;
pub mod permanent_deletions;
pub mod pool;
pub mod pooler;
pub mod project_copies;
pub mod project_counts;
pub mod project_deletions;
pub mod project_overviews;
pub mod projects;
pub mod rules;
pub mod seeded_identifiers;
pub mod segments;
pub mod session;
pub mod snapshots;
pub mod state;
pub mod statistics;
pub mod unconfirmed_customers;
pub mod unfinished_work;
pub mod webhook_deliveries;
pub mod webhooks;

mod find_each;
mod json;
mod list_query;
mod pool_settings;
mod row_counts;
mod schema;
mod window;

/// How many rows are inserted as rows of values. Further ones are inserted as arrays, so that the text of the statement does not depend on
/// their number.
const MAX_ROWS_OF_VALUES: usize = 8;
