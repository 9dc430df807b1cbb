use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::state::AppState;
use crate::objects::{list, segment};
use crate::service::Caller;

/// GET /v1/segments (list-segment)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    query.refuse_filters()?;
    let limit = query.limit()?;
    let sort = query.order(&["created_at", "-created_at"])?;
    let ids = query.texts("ids");
    let mut connection = app.core.pool.acquire().await?;
    let (segments, total) =
        db::segments::list(&mut connection, caller.project, ids.as_deref(), sort.direction, limit).await?;
    connection.release();
    Ok(answer::json(|out| list::write(out, "data", &segments, segment::write, total, None)))
}
