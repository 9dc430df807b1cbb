use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Query;
use crate::http::state::AppState;
use crate::objects::{ObjectWriter, async_action};
use crate::service::Caller;

/// GET /v1/async-actions (list-async-actions)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let (limit, before) = query.read(|query| Ok((query.limit()?, query.time("end_date")?)))?;
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let mut jobs = db::jobs::list_async_actions(&mut connection, caller.project, before, limit).await?;
    connection.release();
    let has_more = i64::try_from(jobs.len()).is_ok_and(|count| count > limit);
    jobs.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(answer::json(|out| {
        ObjectWriter::new(out)
            .raw("object", "\"list\"")
            .raw("data_ref", "\"async_actions\"")
            .array("async_actions", &jobs, async_action::write_listed)
            .boolean("has_more", has_more)
            .end();
    }))
}
