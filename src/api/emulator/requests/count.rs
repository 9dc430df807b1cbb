use axum::extract::State;
use axum::response::Response;

use super::filter;
use crate::http::state::AppState;
use crate::http::{ApiError, Query, answer};
use crate::objects::ObjectWriter;
use crate::service::Caller;

/// GET /_emulator/requests/count (emulator-count-requests)
///
/// Query parameters: `method`, `path`, `operation`, `status`, `after`.
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let filter = query.read(filter::read)?;
    let (_, count) = app.core.request_log.list(caller.project, &filter, 0)?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    Ok(answer::json(|out| ObjectWriter::new(out).text("object", "count").number("count", count).end()))
}
