use axum::extract::State;
use axum::http::StatusCode;

use crate::http::ApiError;
use crate::http::state::AppState;
use crate::service::{Caller, faults};

/// DELETE /_emulator/faults (emulator-delete-faults)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    faults::delete_all(&app.core, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
