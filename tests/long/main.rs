//! Slow tests: they start and kill the program, wait for time limits, or compare many random filters.
//!
//! `cargo test` does not run this target; `.ci/run` runs it after the suite. Run it with `cargo test --test long`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is how a test fails")]

mod bounded_work;
mod citus;
mod command_line;
mod connections;
mod data_directory;
mod environment;
mod ephemeral_start;
#[cfg(feature = "fetch-postgresql")]
mod fetch;
mod filters;
mod hanging_receiver;
mod hostile;
mod keep_alive;
mod killed;
mod orphans;
mod outages;
mod pooler;
mod postgres_faults;
mod program;
mod small_disk;
mod state;
#[path = "../it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "these tests use only a part of the support module")]
mod support;
mod tls;
mod unusable_data;
mod versions;
