use axum::extract::State;
use axum::response::Response;

use crate::api::management::projects::request;
use crate::domain::project::ProjectChange;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, answer};
use crate::objects::project;
use crate::service::{Caller, projects};

/// PUT /_emulator/project (emulator-update-project)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let change = body.read(|mut body| {
        let is_strict = body.boolean("strict")?.value();
        Ok(ProjectChange { is_strict, ..request::project_change(&mut body)? })
    })?;
    let saved = projects::update(&app.core, caller.project, change).await?;
    let mut saved = saved.ok_or_else(ApiError::unauthorized)?;
    saved.is_strict |= app.is_strict;
    Ok(answer::json_sized(2048, |out| project::write_own(out, &saved)))
}
