//! Domain types and pure rules, without SQL, HTTP or access to the clock.

pub mod activity;
pub mod consent;
pub mod credential;
pub mod customer;
pub mod customer_csv;
pub mod deletion;
pub mod event;
pub mod export;
pub mod filter;
pub mod identifier;
pub mod job;
pub mod json;
pub mod limits;
pub mod metadata_schema;
pub mod oauth;
pub mod order;
pub mod page;
pub mod patch;
pub mod project;
pub mod project_time;
pub mod rules;
pub mod segment;
pub mod time_ordered_id;
pub mod timestamp;
pub mod unconfirmed_customer;
pub mod webhook;
