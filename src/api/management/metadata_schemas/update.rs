use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::api::metadata_definitions;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{InnerId, Json};
use crate::http::state::AppState;
use crate::objects::metadata_schema::{Style, write};
use crate::service::metadata_schemas;

/// PUT /management/v1/projects/{projectId}/metadata-schemas/{metadataSchemaId} (update-metadata-schema)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    InnerId(id): InnerId,
    body: Json,
) -> Result<Response, ApiError> {
    let change = body.read(metadata_definitions::metadata_schema_change)?;
    let saved = metadata_schemas::update(&app.core, &caller, &id, &change).await?;
    Ok(answer::json(|out| write(out, &saved, Style::Management)))
}
