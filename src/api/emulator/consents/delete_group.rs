use axum::extract::State;
use axum::http::StatusCode;

use crate::http::state::AppState;
use crate::http::{ApiError, Id};
use crate::service::{Caller, consents};

/// DELETE /_emulator/consent-groups/{groupId} (emulator-delete-consent-group)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    consents::delete_group(&app.core, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
