//! What the vendor has here and the emulator does not, yet: answered 501 by name, so that nobody looks for a mistake of
//! their own. An endpoint leaves this table for its resource's folder when it is built.

use super::error::ApiError;
use super::routes::{Endpoint, Routes, post};
use crate::service::Caller;

/// The routes of this table.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/v1/customers/importCSV", [posted("import-customers-using-csv")])
        .at("/v1/orders/import", [posted("import-orders")])
}

fn posted(operation_id: &'static str) -> Endpoint {
    post(operation_id, not_emulated)
}

async fn not_emulated(_: Caller) -> ApiError {
    ApiError::not_emulated("This endpoint is not emulated yet")
}
