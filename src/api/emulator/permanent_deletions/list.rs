use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, Query, answer};
use crate::objects::deletion::write_recorded;
use crate::objects::list;
use crate::service::Caller;

/// The last page of the list.
const MAX_PAGE: i64 = 100;

/// GET /_emulator/permanent-deletions (emulator-list-permanent-deletions)
///
/// Lists the newest first. Query parameters: `limit`, `page`.
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let page = query.read(|query| query.page(MAX_PAGE))?;
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let (deletions, total) = db::permanent_deletions::list(&mut connection, caller.project, page).await?;
    connection.release();
    Ok(answer::json(|out| list::write(out, "data", &deletions, write_recorded, total, None)))
}
