//! `/stickystreet`: the door of another loyalty vendor, `StickyStreet`, onto the same customers. One endpoint does everything; the
//! field `type` says what, and each type has a file here.

mod account;
mod answer;
mod customer_delete;
mod customer_info;
mod fields;
mod handle;
mod output;
mod person;
mod record_customer;
mod refused;
mod xml;

use crate::http::{Routes, get, post};

/// The routes of this folder: the vendor answers at the root of its host and at `/api.php`.
#[must_use]
pub fn routes() -> Routes {
    Routes::default()
        .at(
            "/stickystreet",
            [get("stickystreet-by-query", handle::handle).not_json(), post("stickystreet-by-form", handle::handle)],
        )
        .at(
            "/stickystreet/",
            [
                get("stickystreet-root-by-query", handle::handle).not_json(),
                post("stickystreet-root-by-form", handle::handle),
            ],
        )
        .at(
            "/stickystreet/api.php",
            [
                get("stickystreet-api-by-query", handle::handle).not_json(),
                post("stickystreet-api-by-form", handle::handle),
            ],
        )
}
