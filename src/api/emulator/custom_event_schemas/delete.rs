use axum::extract::State;
use axum::http::StatusCode;

use crate::http::state::AppState;
use crate::http::{ApiError, Id};
use crate::service::{Caller, event_schemas};

/// DELETE /_emulator/custom-event-schemas/{schemaId} (emulator-delete-custom-event-schema)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<StatusCode, ApiError> {
    event_schemas::delete(&app.core, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
