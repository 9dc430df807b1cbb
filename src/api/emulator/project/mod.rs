//! `/_emulator/project`: the project of the server key, which may be auto-provisioned, in the form of the management
//! API. OAuth tokens are not accepted.

mod get;
mod update;

use crate::http::{Routes, get, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at(
        "/_emulator/project",
        [get("emulator-get-project", get::handle), put("emulator-update-project", update::handle)],
    )
}
