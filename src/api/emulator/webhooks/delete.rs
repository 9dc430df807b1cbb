use axum::extract::State;
use axum::http::StatusCode;

use crate::http::state::AppState;
use crate::http::{ApiError, Id};
use crate::service::{Caller, webhooks};

/// DELETE /_emulator/webhooks/{webhookId} (emulator-delete-webhook)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    webhooks::delete(&app.core, &caller, &id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
