use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::http::answer;
use crate::http::auth::ManagementCaller;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::objects::project;
use crate::service::projects;

/// POST /management/v1/projects (create-project)
pub async fn handle(
    State(app): State<AppState>,
    caller: ManagementCaller,
    Json(body): Json,
) -> Result<Response, ApiError> {
    let new = request::new_project(Object::of_body(body)?)?;
    let (created, keys) = projects::create(&app.core, caller.organisation, new).await?;
    Ok(answer::json_sized(2048, |out| project::write_created(out, &created, &keys)))
}
