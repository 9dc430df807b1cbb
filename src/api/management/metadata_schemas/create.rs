use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::api::metadata_definitions;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;
use crate::objects::metadata_schema::{Style, write};
use crate::service::metadata_schemas;

/// POST /management/v1/projects/{projectId}/metadata-schemas (create-metadata-schema)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    body: Json,
) -> Result<Response, ApiError> {
    let new = body.read(metadata_definitions::new_metadata_schema)?;
    let created = metadata_schemas::create(&app.core, &caller, &new).await?;
    Ok(answer::json(|out| write(out, &created, Style::Management)))
}
