use axum::extract::State;
use axum::http::StatusCode;

use crate::http::ApiError;
use crate::http::state::AppState;
use crate::service::{Caller, identifiers};

/// DELETE /_emulator/ids (emulator-reset-ids)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    identifiers::set_seed(&app.core, &caller, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
