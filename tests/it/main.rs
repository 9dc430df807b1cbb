//! Tests of the emulator through the real router on a real PostgreSQL. The tree of files mirrors the tree of URLs.
//!
//! Tests that only send requests share one emulator, and each takes a project of its own ([`support::TestProject`]).
//! Tests that need SQL, a fixed clock, options or restarts start their own [`support::TestEmulator`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a panic is how a test fails")]

mod batches;
mod client;
mod concurrent_erasures;
mod configured_keys;
mod connections;
mod console;
mod contract;
mod coverage;
mod databases;
mod emulator;
mod errors;
mod fuzz_corpus;
mod identifiers;
mod in_process;
mod javascript;
mod lists;
mod management;
mod new_customers;
mod paths;
mod races;
mod schema;
mod scroll;
mod security;
mod source_layout;
mod stickystreet;
mod strict;
mod support;
mod traces;
mod v1;
mod webhooks;
