//! `/v1/trash-bin`. The vendor's trash bin contains campaigns, vouchers, products and SKUs, but no customers. It is
//! always empty here.

mod delete;
mod list;

use crate::http::routes::{Routes, delete, get};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/trash-bin", [get("list-bin-entries", list::handle)])
        .at("/v1/trash-bin/{binEntryId}", [delete("delete-bin-entry", delete::handle)])
}
