//! `/v1/trash-bin`. The vendor's bin takes campaigns, vouchers, products and SKUs, never customers: here it is empty.

mod delete;
mod list;

use crate::http::routes::{Routes, delete, get};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/trash-bin", [get("list-bin-entries", list::handle)])
        .at("/v1/trash-bin/{binEntryId}", [delete("delete-bin-entry", delete::handle)])
}
