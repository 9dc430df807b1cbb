use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::list;
use crate::objects::snapshot::write;
use crate::service::{Caller, snapshots};

/// GET /_emulator/snapshots (emulator-list-snapshots)
///
/// Lists all snapshots, the newest first.
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let snapshots = snapshots::list(&app.core, &caller).await?;
    let total = i64::try_from(snapshots.len()).unwrap_or(i64::MAX);
    Ok(answer::json(|out| list::write(out, "data", &snapshots, write, total, None)))
}
