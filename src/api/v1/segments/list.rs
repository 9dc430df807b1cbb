use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::db::segments::SegmentFilter;
use crate::domain::filter::SegmentField;
use crate::domain::page::Window;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::state::AppState;
use crate::objects::{list, segment};
use crate::service::Caller;

/// GET /v1/segments (list-segment)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let limit = query.limit()?;
    let sort = query.order(&["created_at", "-created_at"])?;
    let filter = SegmentFilter {
        ids: query.texts("ids"),
        created_at: Window { before: query.time("end_date")?, after: query.time("start_date")? },
        filter: query.filter_of(SegmentField::parse)?,
    };
    let mut connection = app.core.pool.acquire().await?;
    let (segments, total) =
        db::segments::list(&mut connection, caller.project, &filter, sort.direction, limit, app.core.clock.now())
            .await?;
    connection.release();
    Ok(answer::json(|out| list::write(out, "data", &segments, segment::write, total, None)))
}
