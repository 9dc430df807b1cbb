use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::{key, list};
use crate::service::Caller;

/// GET /_emulator/keys (emulator-list-keys)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let keys = db::keys::list(&mut connection, caller.project).await?;
    connection.release();
    let total = i64::try_from(keys.len()).unwrap_or(i64::MAX);
    Ok(answer::json(|out| list::write(out, "data", &keys, key::write, total, None)))
}
