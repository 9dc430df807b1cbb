//! `/v1/segments`.

mod create;
mod delete;
mod get;
mod list;

use crate::http::routes::{Routes, delete, get, post};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/segments", [get("list-segment", list::handle), post("create-segment", create::handle)])
        .at("/v1/segments/{segmentId}", [get("get-segment", get::handle), delete("delete-segment", delete::handle)])
}
