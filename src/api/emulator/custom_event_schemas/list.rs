use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::list;
use crate::objects::metadata_schema::write_event;
use crate::service::Caller;

/// GET /_emulator/custom-event-schemas (emulator-list-custom-event-schemas)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let schemas = db::event_schemas::list(&mut connection, caller.project).await?;
    connection.release();
    let total = i64::try_from(schemas.len()).unwrap_or(i64::MAX);
    Ok(answer::json(|out| list::write(out, "data", &schemas, write_event, total, None)))
}
