use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use crate::http::auth::ManagementCaller;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::service::projects;

/// How long the answer waits at most while the rows of the project are removed. The background workers remove the rest.
const MAX_CLEANUP_TIME: Duration = Duration::from_secs(10);

/// DELETE /management/v1/projects/{projectId} (delete-project)
pub async fn handle(State(app): State<AppState>, caller: ManagementCaller, Id(id): Id) -> Result<StatusCode, ApiError> {
    let cleanup_timeout = MAX_CLEANUP_TIME.min(app.request_timeout / 2);
    projects::delete(&app.core, caller.organisation, &id, cleanup_timeout).await?;
    Ok(StatusCode::NO_CONTENT)
}
