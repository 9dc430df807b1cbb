use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::project;
use crate::service::Caller;

/// GET /_emulator/project (emulator-get-project)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let found = db::projects::find(&mut connection, caller.project).await?;
    connection.release();
    // The project and its keys were deleted after authentication.
    let mut found = found.ok_or_else(ApiError::unauthorized)?;
    found.is_strict |= app.is_strict;
    Ok(answer::json_sized(2048, |out| project::write_own(out, &found)))
}
