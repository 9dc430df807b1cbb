use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::db::orders::OrderFilter;
use crate::domain::identifier::Identifier;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Query;
use crate::http::query::parse_filter;
use crate::http::state::AppState;
use crate::objects::{list, order};
use crate::service::{Caller, rules};

const MAX_PAGE: i64 = 100;

/// GET /v1/orders (list-orders)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let (page, sort, customer, filters) = query.read(|query| {
        let page = query.page(MAX_PAGE)?;
        let sort = query.order(&["created_at", "-created_at", "updated_at", "-updated_at"])?;
        Ok((page, sort, query.text("customer")?, query.filters()?))
    })?;
    let mut filter = OrderFilter { customer: customer.map(Identifier::new), filter: None };
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    if let Some(filters) = filters {
        connection.shorten_statement_timeout().await?;
        let (rules, now) = rules::current(&app.core, &mut connection, caller.project).await?;
        filter.filter = Some((parse_filter(&filters, |name| rules.order_field(name))?, now));
    }
    let (orders, total) = db::orders::list(&mut connection, caller.project, &filter, sort, page).await?;
    connection.release();
    Ok(answer::json(|out| list::write(out, "orders", &orders, order::write, total, None)))
}
