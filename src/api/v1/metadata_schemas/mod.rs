//! `/v1/metadata-schemas`. The vendor publishes reading only; what changes schemas has operation ids of this project's.

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
            "/v1/metadata-schemas",
            [get("list-metadata-schemas", list::handle), post("create-metadata-schema-server-side", create::handle)],
        )
        .at(
            "/v1/metadata-schemas/{resource}",
            [
                get("get-metadata-schema", get::handle),
                put("update-metadata-schema-server-side", update::handle),
                delete("delete-metadata-schema-server-side", delete::handle),
            ],
        )
}
