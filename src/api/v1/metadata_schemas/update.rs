use axum::extract::State;
use axum::response::Response;

use crate::api::metadata_definitions;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Json};
use crate::http::state::AppState;
use crate::objects::metadata_schema::{Style, write};
use crate::service::{Caller, metadata_schemas};

/// PUT /v1/metadata-schemas/{resource} (update-metadata-schema-server-side)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let change = body.read(metadata_definitions::metadata_schema_change)?;
    let saved = metadata_schemas::update(&app.core, &caller, &id, &change).await?;
    Ok(answer::json(|out| write(out, &saved, Style::Server)))
}
