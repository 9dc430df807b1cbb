//! `/_emulator/clock`: the clock of the project.

mod advance;
mod delete;
mod get;
mod update;

use crate::http::{Routes, delete, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at(
            "/_emulator/clock",
            [
                get("emulator-get-clock", get::handle),
                put("emulator-set-clock", update::handle),
                delete("emulator-reset-clock", delete::handle),
            ],
        )
        .at("/_emulator/clock/advance", [post("emulator-advance-clock", advance::handle)])
}
