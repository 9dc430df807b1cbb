//! `/_emulator/custom-event-schemas`: the custom-event schemas of the project of the server key. The vendor has them
//! only in its management API, which requires management keys.

mod create;
mod delete;
mod get;
mod list;
mod update;

use crate::http::{Routes, delete, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at(
            "/_emulator/custom-event-schemas",
            [
                get("emulator-list-custom-event-schemas", list::handle),
                post("emulator-create-custom-event-schema", create::handle),
            ],
        )
        .at(
            "/_emulator/custom-event-schemas/{schemaId}",
            [
                get("emulator-get-custom-event-schema", get::handle),
                put("emulator-update-custom-event-schema", update::handle),
                delete("emulator-delete-custom-event-schema", delete::handle),
            ],
        )
}
