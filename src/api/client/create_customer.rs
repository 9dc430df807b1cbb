use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use crate::api::v1::customers::create;
use crate::http::auth::ClientCaller;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;

/// POST /client/v1/customers (create-customer-client-side)
pub async fn handle(
    State(app): State<AppState>,
    ClientCaller { caller, access }: ClientCaller,
    headers: HeaderMap,
    body: Json,
) -> Result<Response, ApiError> {
    if !access.create_customer {
        return Err(ApiError::unauthorized());
    }
    // Reject double opt-in, because the emulator would create the customer without the requested confirmation.
    if headers.get("x-voucherify-double-opt-in").is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true")) {
        return Err(ApiError::not_emulated(
            "Double opt-in (X-Voucherify-Double-Opt-In: true) is not emulated: no customer was created",
        ));
    }
    create::handle(State(app), caller, body).await
}
