use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::db::orders::OrderFilter;
use crate::domain::identifier::Identifier;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::state::AppState;
use crate::objects::{list, order};
use crate::service::{Caller, rules};

const MAX_PAGE: i64 = 100;

/// GET /v1/orders (list-orders)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let page = query.page(MAX_PAGE)?;
    let sort = query.order(&["created_at", "-created_at", "updated_at", "-updated_at"])?;
    let mut filter = OrderFilter { customer: query.text("customer")?.map(Identifier::new), filter: None };
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    if query.filters()?.is_some() {
        connection.shorten_statement_timeout().await?;
        let (rules, now) = rules::current(&app.core, &mut connection, caller.project).await?;
        let parsed = query.filter_of(|name| rules.order_field(name))?;
        filter.filter = parsed.map(|parsed| (parsed, now));
    }
    let (orders, total) = db::orders::list(&mut connection, caller.project, &filter, sort, page).await?;
    connection.release();
    Ok(answer::json(|out| list::write(out, "orders", &orders, order::write, total, None)))
}
