//! `/v1/async-actions`.

mod get;
mod list;

use crate::http::routes::{Routes, get};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/async-actions", [get("list-async-actions", list::handle)])
        .at("/v1/async-actions/{asyncActionId}", [get("get-async-action", get::handle)])
}
