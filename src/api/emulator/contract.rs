use axum::response::Response;

use crate::http::answer;

/// The `OpenAPI` description of the emulated endpoints, as it is committed.
pub const CONTRACT: &str = include_str!("../../../openapi/voucherify-emulator.json");

/// GET /_emulator/openapi.json (emulator-contract)
pub async fn handle() -> Response {
    answer::json(|out| out.extend_from_slice(CONTRACT.as_bytes()))
}
