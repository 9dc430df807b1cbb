use axum::extract::State;
use axum::response::Response;

use crate::api::metadata_definitions;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;
use crate::objects::metadata_schema::{Style, write};
use crate::service::{Caller, metadata_schemas};

/// POST /v1/metadata-schemas (create-metadata-schema-server-side)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let new = body.read(metadata_definitions::new_metadata_schema)?;
    let created = metadata_schemas::create(&app.core, &caller, &new).await?;
    Ok(answer::json(|out| write(out, &created, Style::Server)))
}
