use axum::extract::State;
use axum::response::Response;

use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::objects::metadata_schema::{Style, write};
use crate::service::{Caller, metadata_schemas};

/// GET /v1/metadata-schemas/{resource} (get-metadata-schema)
///
/// The vendor identifies a schema by its resource here. The id of the schema is accepted too, as in the other
/// operations.
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let found = metadata_schemas::get(&app.core, &caller, &id).await?;
    Ok(answer::json(|out| write(out, &found, Style::Server)))
}
