//! `/stickystreet`: the customer API of another loyalty vendor, `StickyStreet`, for the same customers. It has one
//! endpoint; the field `type` selects the operation. `handle` receives every request; each emulated type has a file of its own.

mod answer;
mod credentials;
mod customer_delete;
mod customer_fields;
mod customer_info;
mod error;
mod fields;
mod handle;
mod output_format;
mod record_customer;
mod xml;

use crate::http::{Routes, get, post};

/// Returns the routes of this folder. `StickyStreet` answers at the root of its host and at `/api.php`.
#[must_use]
pub fn routes() -> Routes {
    Routes::default()
        .at(
            "/stickystreet",
            [get("stickystreet-by-query", handle::handle).not_json(), post("stickystreet-by-form", handle::handle)],
        )
        .at(
            "/stickystreet/api.php",
            [
                get("stickystreet-api-by-query", handle::handle).not_json(),
                post("stickystreet-api-by-form", handle::handle),
            ],
        )
}
