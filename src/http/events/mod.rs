//! `/v1/events`.

pub(super) mod create;

use super::routes::{Routes, post};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at("/v1/events", [post("track-custom-event", create::handle)])
}
