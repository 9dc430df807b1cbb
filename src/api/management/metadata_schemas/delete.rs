use axum::extract::State;
use axum::http::StatusCode;

use crate::api::management::managed_project::ManagedProject;
use crate::http::error::ApiError;
use crate::http::extract::InnerId;
use crate::http::state::AppState;
use crate::service::metadata_schemas;

/// DELETE /management/v1/projects/{projectId}/metadata-schemas/{metadataSchemaId} (delete-metadata-schema)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    InnerId(id): InnerId,
) -> Result<StatusCode, ApiError> {
    metadata_schemas::delete(&app.core, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
