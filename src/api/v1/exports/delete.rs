use axum::extract::State;
use axum::http::StatusCode;

use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::service::{Caller, jobs};

/// DELETE /v1/exports/{exportId} (delete-export)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    jobs::delete_export(&app.core, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
