use axum::extract::State;
use axum::http::StatusCode;

use super::name;
use crate::http::state::AppState;
use crate::http::{ApiError, Id};
use crate::service::{Caller, snapshots};

/// DELETE /_emulator/snapshots/{snapshotName} (emulator-delete-snapshot)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    snapshots::delete(&app.core, &caller, name::parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
