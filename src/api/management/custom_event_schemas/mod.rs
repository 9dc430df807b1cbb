//! `/management/v1/projects/{projectId}/custom-event-schemas`.

mod create;
mod delete;
mod get;
mod list;
mod update;

use crate::http::routes::{Routes, delete, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at(
            "/management/v1/projects/{projectId}/custom-event-schemas",
            [get("list-custom-event-schemas", list::handle), post("create-custom-event-schema", create::handle)],
        )
        .at(
            "/management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId}",
            [
                get("get-custom-event-schema", get::handle),
                put("update-custom-event-schema", update::handle),
                delete("delete-custom-event-schema", delete::handle),
            ],
        )
}
