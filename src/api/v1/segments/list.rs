use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::db::segments::SegmentFilter;
use crate::domain::filter::SegmentField;
use crate::domain::page::{self, Window};
use crate::domain::segment::Segment;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Query;
use crate::http::state::AppState;
use crate::objects::{list, segment};
use crate::service::Caller;

/// GET /v1/segments (list-segment)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let (limit, sort, filter, cursor) = query.read(|query| {
        let (limit, sort) = (query.limit()?, query.order(&["created_at", "-created_at"])?);
        let filter = SegmentFilter {
            ids: query.texts("ids"),
            created_at: Window { before: query.time("end_date")?, after: query.time("start_date")? },
            filter: query.filter_of(SegmentField::parse)?,
        };
        Ok((limit, sort, filter, query.time("starting_after")?))
    })?;
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    if filter.filter.is_some() {
        connection.shorten_statement_timeout().await?;
    }
    let (direction, now) = (sort.direction, app.core.now(&caller));
    let (mut segments, total) =
        db::segments::list(&mut connection, caller.project, &filter, direction, cursor, limit, now).await?;
    connection.release();
    let limit = usize::try_from(limit).unwrap_or_default();
    page::trim_to_limit(&mut segments, limit, cursor.map(|_| |segment: &Segment| segment.created_at));
    Ok(answer::json(|out| list::write(out, "data", &segments, segment::write, total, None)))
}
