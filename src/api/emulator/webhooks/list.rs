use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::list;
use crate::objects::webhook::write;
use crate::service::Caller;

/// GET /_emulator/webhooks (emulator-list-webhooks)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let webhooks = db::webhooks::list(&mut connection, caller.project).await?;
    connection.release();
    let total = i64::try_from(webhooks.len()).unwrap_or(i64::MAX);
    Ok(answer::json(|out| list::write(out, "data", &webhooks, write, total, None)))
}
