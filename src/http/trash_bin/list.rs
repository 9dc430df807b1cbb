use axum::response::Response;

use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::objects::list;
use crate::service::Caller;

/// GET /v1/trash-bin (list-bin-entries)
pub async fn handle(_: Caller, query: Query) -> Result<Response, ApiError> {
    query.refuse_filters()?;
    query.limit()?;
    query.one_of("order", &["id", "-id"])?;
    query.text("starting_after_id")?;
    Ok(answer::json(list::write_empty))
}
