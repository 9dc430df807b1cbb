use axum::extract::State;
use axum::response::Response;

use crate::domain::limits::TEXT_CHARS;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, answer};
use crate::service::{Caller, metadata_schemas};

/// POST /_emulator/metadata-schemas/{resource}/purge (emulator-purge-metadata-schema)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let key = body.read(|mut body| body.required_text("key", 1, TEXT_CHARS))?;
    let id = metadata_schemas::purge(&app.core, &caller, &id, &key).await?;
    Ok(answer::accepted(&id))
}
