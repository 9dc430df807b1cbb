use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::api::management::managed_project::ManagedProject;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Json};
use crate::http::state::AppState;
use crate::objects::project;
use crate::service::{Error, Resource, projects};

/// PUT /management/v1/projects/{projectId} (update-project)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    Id(id): Id,
    body: Json,
) -> Result<Response, ApiError> {
    let change = body.read(|mut body| request::project_change(&mut body))?;
    let saved = projects::update(&app.core, caller.project, change).await?;
    let mut saved = saved.ok_or_else(|| Error::not_found(Resource::Project, id.as_str()))?;
    saved.is_strict |= app.is_strict;
    Ok(answer::json_sized(2048, |out| project::write(out, &saved)))
}
