//! `/v1/consents`. The consents of a customer are updated in [`customers`](super::customers), and consents are defined
//! under `/_emulator`.

pub(crate) mod list;

use crate::http::routes::{Routes, get};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at("/v1/consents", [get("list-consents", list::handle)])
}
