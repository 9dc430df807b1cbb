//! `/management/v1/projects`.

mod create;
mod delete;
mod get;
mod list;
pub(crate) mod request;
mod update;

use crate::http::routes::{Routes, delete, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/management/v1/projects", [get("list-projects", list::handle), post("create-project", create::handle)])
        .at(
            "/management/v1/projects/{projectId}",
            [
                get("get-project", get::handle),
                put("update-project", update::handle),
                delete("delete-project", delete::handle),
            ],
        )
}
