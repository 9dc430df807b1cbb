use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::state::AppState;
use crate::objects::{list, order};
use crate::service::Caller;

const LAST_PAGE: i64 = 100;

/// GET /v1/orders (list-orders)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    query.refuse_filters()?;
    let page = query.page(LAST_PAGE)?;
    let sort = query.order(&["created_at", "-created_at", "updated_at", "-updated_at"])?;
    let mut connection = app.core.pool.acquire().await?;
    let (orders, total) = db::orders::list(&mut connection, caller.project, sort, page).await?;
    connection.release();
    Ok(answer::json(|out| list::write(out, "orders", &orders, order::write, total, None)))
}
