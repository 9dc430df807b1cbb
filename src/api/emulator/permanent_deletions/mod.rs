//! `/_emulator/permanent-deletions`: the records of the permanent deletions of the project. The vendor shows such a record only in the
//! answer to the deletion.

mod get;
mod list;

use crate::http::{Routes, get};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/permanent-deletions", [get("emulator-list-permanent-deletions", list::handle)])
        .at("/_emulator/permanent-deletions/{deletionId}", [get("emulator-get-permanent-deletion", get::handle)])
}
