//! `/_emulator`: the emulator's own surface.

mod consents;
mod contract;
mod health;

use crate::http::{Routes, get};

pub use contract::CONTRACT;

/// The routes of this folder.
#[must_use]
pub fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/health", [get("emulator-health", health::handle)])
        .at("/_emulator/openapi.json", [get("emulator-contract", contract::handle)])
        .merge(consents::routes())
}
