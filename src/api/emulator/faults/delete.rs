use axum::extract::State;
use axum::http::StatusCode;

use crate::http::state::AppState;
use crate::http::{ApiError, Id};
use crate::service::{Caller, faults};

/// DELETE /_emulator/faults/{faultId} (emulator-delete-fault)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    faults::delete(&app.core, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
