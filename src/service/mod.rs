//! Business logic. Each function owns its transaction, from start to commit. No SQL text, no HTTP.

pub mod authenticator;
pub mod cache_generation;
pub mod clock;
pub mod configured_keys;
pub mod consents;
pub mod customers;
pub mod customers_by_source_id;
pub mod database_health;
pub mod erasure_check;
pub mod event_schemas;
pub mod events;
pub mod faults;
pub mod identifiers;
pub mod idle;
pub mod jobs;
pub mod keys;
pub mod metadata_schemas;
pub mod metrics;
pub mod oauth;
pub mod orders;
pub mod permanent_deletion;
pub mod projects;
pub mod request_log;
pub mod reset;
pub mod rules;
pub mod segments;
pub mod snapshots;
pub mod state;
pub mod unconfirmed_customers;
pub mod webhooks;
pub mod work_counts;

mod activity_entry;
mod caller;
mod core;
mod error;
mod id_source;
mod membership_moves;
mod provision;
mod replacement;
mod retry;
mod segment_evaluation;
mod write;

pub use self::caller::Caller;
pub use self::core::Core;
pub use self::error::{Error, Resource};
