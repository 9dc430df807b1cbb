//! `/_emulator/custom-event-schemas`: the vendor has them on its management API only, which asks for keys of its own. Here
//! the project is that of the server keys.

mod create;
mod delete;
mod get;
mod list;
mod update;

use crate::http::{Routes, delete, get, post, put};

/// The routes of this folder.
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
