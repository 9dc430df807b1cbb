use axum::extract::State;
use axum::http::StatusCode;

use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::service::{Caller, segments};

/// DELETE /v1/segments/{segmentId} (delete-segment)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    segments::delete(&app.core, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
