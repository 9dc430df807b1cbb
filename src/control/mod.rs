//! `/_emulator`: the emulator's own surface.

mod contract;
mod event_schemas;
mod health;
mod metadata_schemas;

use crate::http::{Routes, get};

pub use contract::CONTRACT;

/// The routes of this folder.
#[must_use]
pub fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/health", [get("emulator-health", health::handle)])
        .at("/_emulator/openapi.json", [get("emulator-contract", contract::handle)])
        .merge(event_schemas::routes())
        .merge(metadata_schemas::routes())
}
