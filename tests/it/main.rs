//! The tests of the emulator, through the real router on a real PostgreSQL, each on a database of its own. The tree mirrors
//! that of the URLs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod client;
mod contract;
mod control;
mod errors;
mod filters;
mod house;
mod killed;
mod management;
mod named_keys;
mod program;
mod races;
mod schema;
mod stickystreet;
mod support;
mod v1;
mod webhooks;
