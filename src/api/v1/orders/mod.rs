//! `/v1/orders`.

mod create;
mod export;
mod get;
mod import;
mod list;
pub(crate) mod request;
mod update;

use crate::http::routes::{Routes, get, post, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/orders", [get("list-orders", list::handle), post("create-order", create::handle)])
        .at("/v1/orders/import", [post("import-orders", import::handle)])
        .at("/v1/orders/export", [post("create-order-export", export::handle)])
        .at("/v1/orders/{orderId}", [get("get-order", get::handle), put("update-order", update::handle)])
}
