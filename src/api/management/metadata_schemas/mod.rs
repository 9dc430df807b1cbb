//! `/management/v1/projects/{projectId}/metadata-schemas`. Two operation ids end in `-1`, because the
//! vendor's server API, which only reads schemas, uses them without the suffix.

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
            "/management/v1/projects/{projectId}/metadata-schemas",
            [get("list-metadata-schemas-1", list::handle), post("create-metadata-schema", create::handle)],
        )
        .at(
            "/management/v1/projects/{projectId}/metadata-schemas/{metadataSchemaId}",
            [
                get("get-metadata-schema-1", get::handle),
                put("update-metadata-schema", update::handle),
                delete("delete-metadata-schema", delete::handle),
            ],
        )
}
