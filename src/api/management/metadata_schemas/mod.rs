//! `/management/v1/projects/{projectId}/metadata-schemas`. The two operation ids that end in `-1` are those that the vendor's server
//! API has without: it reads schemas only, so that the vendor's other three are free for these.

mod create;
mod delete;
mod get;
mod list;
mod update;

use crate::http::routes::{Routes, delete, get, post, put};

/// The routes of this folder.
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
