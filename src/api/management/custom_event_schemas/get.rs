use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::InnerId;
use crate::http::state::AppState;
use crate::objects::metadata_schema::write_event;
use crate::service::event_schemas;

/// GET /management/v1/projects/{projectId}/custom-event-schemas/{customEventSchemaId} (get-custom-event-schema)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    InnerId(id): InnerId,
) -> Result<Response, ApiError> {
    let found = event_schemas::get(&app.core, &caller, &id).await?;
    Ok(answer::json(|out| write_event(out, &found)))
}
