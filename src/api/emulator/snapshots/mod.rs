//! `/_emulator/snapshots`: the state of the project of the server key, stored under a name.

mod create;
mod delete;
mod get;
mod list;
mod name;
mod restore;

use crate::http::{Routes, delete, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/snapshots", [get("emulator-list-snapshots", list::handle)])
        .at(
            "/_emulator/snapshots/{snapshotName}",
            [
                get("emulator-get-snapshot", get::handle),
                put("emulator-create-snapshot", create::handle),
                delete("emulator-delete-snapshot", delete::handle),
            ],
        )
        .at("/_emulator/snapshots/{snapshotName}/restore", [post("emulator-restore-snapshot", restore::handle)])
}
