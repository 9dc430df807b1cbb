//! `/v1/events`.

pub(crate) mod create;

use crate::http::routes::{Routes, post};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at("/v1/events", [post("track-custom-event", create::handle)])
}
