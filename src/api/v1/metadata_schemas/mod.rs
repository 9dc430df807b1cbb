//! `/v1/metadata-schemas`. The vendor documents only the read operations here, so the operation ids of the write
//! operations are our own.

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
