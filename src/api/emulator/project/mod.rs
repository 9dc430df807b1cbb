//! `/_emulator/project`: the project that the server keys open, also one that came by itself, in the form of the management API.
//! Tokens of OAuth do not open it.

mod get;
mod update;

use crate::http::{Routes, get, put};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at(
        "/_emulator/project",
        [get("emulator-get-project", get::handle), put("emulator-update-project", update::handle)],
    )
}
