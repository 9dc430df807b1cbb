//! `/v1/metadata-schemas`.

mod create;
mod delete;
mod get;
mod list;
mod update;

use super::routes::{Routes, delete, get, post, put};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at(
            "/v1/metadata-schemas",
            [get("list-metadata-schemas", list::handle), post("create-metadata-schema", create::handle)],
        )
        .at(
            "/v1/metadata-schemas/{resource}",
            [
                get("get-metadata-schema", get::handle),
                put("update-metadata-schema", update::handle),
                delete("delete-metadata-schema", delete::handle),
            ],
        )
}
