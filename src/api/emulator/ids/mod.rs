//! `/_emulator/ids`: whether the identifiers of the project are random or made from a seed.

mod delete;
mod get;
mod update;

use crate::http::{Routes, delete, get, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at(
        "/_emulator/ids",
        [
            get("emulator-get-ids", get::handle),
            put("emulator-seed-ids", update::handle),
            delete("emulator-reset-ids", delete::handle),
        ],
    )
}
