use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::deletion::write_recorded;
use crate::service::{Caller, Error, Resource};

/// GET /_emulator/permanent-deletions/{deletionId} (emulator-get-permanent-deletion)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let not_found = || Error::not_found(Resource::PermanentDeletion, id.as_str());
    if !id.can_exist() {
        return Err(not_found().into());
    }
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let found = db::permanent_deletions::find(&mut connection, caller.project, id.as_str()).await?;
    connection.release();
    let found = found.ok_or_else(not_found)?;
    Ok(answer::json(|out| write_recorded(out, &found)))
}
