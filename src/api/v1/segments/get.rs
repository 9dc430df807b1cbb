use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::objects::segment;
use crate::service::{Caller, Error, Resource};

/// GET /v1/segments/{segmentId} (get-segment)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let found =
        if id.can_exist() { db::segments::find(&mut connection, caller.project, id.as_str()).await? } else { None };
    connection.release();
    let found = found.ok_or_else(|| Error::not_found(Resource::Segment, id.as_str()))?;
    Ok(answer::json(|out| segment::write(out, &found)))
}
