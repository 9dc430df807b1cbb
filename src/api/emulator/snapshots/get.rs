use axum::extract::State;
use axum::response::Response;

use super::name;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::snapshot::write;
use crate::service::{Caller, snapshots};

/// GET /_emulator/snapshots/{snapshotName} (emulator-get-snapshot)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let found = snapshots::get(&app.core, &caller, name::parse(&id)?).await?;
    Ok(answer::json(|out| write(out, &found)))
}
