use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::objects::project;
use crate::service::{Error, Resource};

/// GET /management/v1/projects/{projectId} (get-project)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire().await?;
    let found = db::projects::find(&mut connection, caller.project).await?;
    connection.release();
    let mut found = found.ok_or_else(|| Error::not_found(Resource::Project, id.as_str()))?;
    found.is_strict |= app.is_strict;
    Ok(answer::json_sized(2048, |out| project::write(out, &found)))
}
