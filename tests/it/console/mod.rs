//! The console, through the real router as a browser uses it.

mod access;
pub mod browser;
mod consents;
mod controls;
mod customers;
mod dashboard;
mod docs;
mod escaping;
mod jobs;
mod keys;
mod metadata_schemas;
mod pages;
mod projects;
mod requests;
mod segments;
mod stream;
mod webhooks;

use browser::Browser;
