use axum::extract::State;
use axum::http::StatusCode;

use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::service::{Caller, customers};

/// DELETE /v1/customers/{customerId} (delete-customer)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    customers::delete(&app.core, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
