//! `/v1/consents`. What a customer says to them is in [`customers`](super::customers), and how they are defined
//! under `/_emulator`.

pub(crate) mod list;

use crate::http::routes::{Routes, get};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default().at("/v1/consents", [get("list-consents", list::handle)])
}
