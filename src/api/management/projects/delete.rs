use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;

use crate::http::auth::Organiser;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::service::projects;

/// How long the answer waits for the rows of the project to be gone, at the most; the workers remove the others.
const PATIENCE: Duration = Duration::from_secs(10);

/// DELETE /management/v1/projects/{projectId} (delete-project)
pub async fn handle(State(app): State<AppState>, organiser: Organiser, Id(id): Id) -> Result<StatusCode, ApiError> {
    let patience = PATIENCE.min(app.request_timeout / 2);
    let (core, authenticator) = (&app.core, &app.authenticator);
    // Believed no more before its rows go.
    projects::delete(core, organiser.organisation, &id, || authenticator.invalidate_cache(), patience).await?;
    Ok(StatusCode::NO_CONTENT)
}
