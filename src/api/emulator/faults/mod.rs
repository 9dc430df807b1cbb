//! `/_emulator/faults`: what goes wrong on purpose in the project of the server key.

mod create;
mod delete;
mod delete_all;
mod get;
mod list;
mod request;

use crate::http::{Routes, delete, get, post};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at(
            "/_emulator/faults",
            [
                get("emulator-list-faults", list::handle),
                post("emulator-create-fault", create::handle),
                delete("emulator-delete-faults", delete_all::handle),
            ],
        )
        .at(
            "/_emulator/faults/{faultId}",
            [get("emulator-get-fault", get::handle), delete("emulator-delete-fault", delete::handle)],
        )
}
