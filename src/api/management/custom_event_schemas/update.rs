use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::api::metadata_definitions;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{InnerId, Json};
use crate::http::state::AppState;
use crate::objects::metadata_schema::write_event;
use crate::service::event_schemas;

/// PUT /management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId} (update-custom-event-schema)
///
/// The `name` in the body is ignored, because the name cannot be changed.
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    InnerId(id): InnerId,
    body: Json,
) -> Result<Response, ApiError> {
    let properties = body.read(|mut body| metadata_definitions::event_schema_definitions(&mut body))?;
    let saved = event_schemas::update(&app.core, &caller, &id, &properties).await?;
    Ok(answer::json(|out| write_event(out, &saved)))
}
