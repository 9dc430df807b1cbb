//! `/v1/exports`.

mod create;
mod delete;
mod get;
mod list;
pub(crate) mod request;

use crate::http::routes::{Routes, delete, get, post};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at("/v1/exports", [get("list-exports", list::handle), post("create-export", create::handle)]).at(
        "/v1/exports/{exportId}",
        [get("get-export", get::handle).not_json(), delete("delete-export", delete::handle)],
    )
}
