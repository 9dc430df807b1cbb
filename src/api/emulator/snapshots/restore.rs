use axum::extract::State;
use axum::response::Response;

use super::name;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, answer};
use crate::objects::snapshot::write;
use crate::service::{Caller, snapshots};

/// POST /_emulator/snapshots/{snapshotName}/restore (emulator-restore-snapshot)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    body.read_optional(|_| Ok(()))?;
    let restored = snapshots::restore(&app.core, &caller, name::parse(&id)?).await?;
    Ok(answer::json(|out| write(out, &restored)))
}
