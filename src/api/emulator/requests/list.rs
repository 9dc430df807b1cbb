use axum::extract::State;
use axum::response::Response;

use super::filter;
use crate::http::state::AppState;
use crate::http::{ApiError, Query, answer};
use crate::objects::{list, logged_request};
use crate::service::Caller;

const DEFAULT_LIMIT: i64 = 20;
const MAX_LIMIT: i64 = 1_000;

/// GET /_emulator/requests (emulator-list-requests)
///
/// Lists the newest requests first. Query parameters: `limit`, `method`, `path`, `operation`, `status`, `after`.
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let (limit, filter) =
        query.read(|query| Ok((query.integer("limit", 1, MAX_LIMIT, DEFAULT_LIMIT)?, filter::read(query)?)))?;
    let limit = usize::try_from(limit).unwrap_or_default();
    let (requests, total) = app.core.request_log.list(caller.project, &filter, limit)?;
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    let write = |out: &mut Vec<u8>, request: &_| logged_request::write(out, request);
    Ok(answer::json(|out| list::write(out, "data", requests.iter().map(AsRef::as_ref), write, total, None)))
}
