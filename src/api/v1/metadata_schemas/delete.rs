use axum::extract::State;
use axum::http::StatusCode;

use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::service::{Caller, metadata_schemas};

/// DELETE /v1/metadata-schemas/{resource} (delete-metadata-schema-server-side)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    metadata_schemas::delete(&app.core, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
