//! `/management/v1/projects/{projectId}/webhooks`. Distributions are not available here: the vendor has them only in
//! its dashboard.

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
            "/management/v1/projects/{projectId}/webhooks",
            [get("list-webhooks", list::handle), post("create-webhook", create::handle)],
        )
        .at(
            "/management/v1/projects/{projectId}/webhooks/{webhookId}",
            [
                get("get-webhook", get::handle),
                put("update-webhook", update::handle),
                delete("delete-webhook", delete::handle),
            ],
        )
}
