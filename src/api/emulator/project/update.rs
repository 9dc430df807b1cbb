use axum::extract::State;
use axum::response::Response;

use crate::api::management::projects::request;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, Object, answer};
use crate::objects::project;
use crate::service::{Caller, projects};

/// PUT /_emulator/project (emulator-update-project)
pub async fn handle(State(app): State<AppState>, caller: Caller, Json(body): Json) -> Result<Response, ApiError> {
    let change = request::project_change(&mut Object::of_body(body)?)?;
    let saved = projects::update(&app.core, caller.project, change).await?;
    // Invalidate the cache, so that the next request to this process uses the new settings.
    app.authenticator.invalidate_cache();
    let saved = saved.ok_or_else(ApiError::unauthorized)?;
    Ok(answer::json_sized(2048, |out| project::write(out, &saved)))
}
