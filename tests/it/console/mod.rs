//! The console, through the real router as a browser uses it.

mod access;
mod browser;
mod controls;
mod customers;
mod docs;
mod escaping;
mod pages;
mod projects;
mod segments;

use browser::Browser;
