use axum::extract::State;
use axum::http::StatusCode;

use crate::http::ApiError;
use crate::http::state::AppState;
use crate::service::{Caller, clock};

/// DELETE /_emulator/clock (emulator-reset-clock)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    clock::reset(&app.core, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
