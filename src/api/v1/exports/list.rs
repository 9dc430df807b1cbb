use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::db;
use crate::db::jobs::ExportSort;
use crate::domain::page::Direction;
use crate::http::answer;
use crate::http::base_url::BaseUrl;
use crate::http::error::ApiError;
use crate::http::extract::Query;
use crate::http::state::AppState;
use crate::objects::{export, list};
use crate::service::Caller;

const MAX_PAGE: i64 = 100;

/// GET /v1/exports (list-exports)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    base_url: BaseUrl,
    query: Query,
) -> Result<Response, ApiError> {
    let orders = ["created_at", "-created_at", "status", "-status"];
    let (page, order) = query.read(|query| Ok((query.page(MAX_PAGE)?, query.one_of("order", &orders)?)))?;
    let (sort, direction) = match order {
        Some("created_at") => (ExportSort::CreatedAt, Direction::Ascending),
        Some("status") => (ExportSort::Status, Direction::Ascending),
        Some("-status") => (ExportSort::Status, Direction::Descending),
        _ => (ExportSort::CreatedAt, Direction::Descending),
    };
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let (jobs, total) = db::jobs::list_exports(&mut connection, caller.project, sort, direction, page).await?;
    connection.release();
    Ok(answer::json(|out| {
        let write = |out: &mut Vec<u8>, job| export::write(out, job, &request::download_url(&base_url, job));
        list::write(out, "exports", &jobs, write, total, None);
    }))
}
