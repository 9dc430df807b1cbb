use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::db::customers::CustomerFilter;
use crate::domain::customer::CustomerRef;
use crate::domain::page::{self, SortKey};
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Query;
use crate::http::query::parse_filter;
use crate::http::state::AppState;
use crate::objects::{customer, list};
use crate::service::{Caller, rules, segments};

const SORT_ORDERS: [&str; 6] = ["created_at", "-created_at", "updated_at", "-updated_at", "source_id", "-source_id"];
const MAX_PAGE: i64 = 99;

/// GET /v1/customers (list-customers)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let ((page, cursor), mut filter, sort, filters) = query.read(|query| {
        let page = query.page_or_cursor(MAX_PAGE)?;
        let filter = CustomerFilter {
            email: query.text("email")?,
            city: query.text("city")?,
            name: query.text("name")?,
            segment_id: query.text("segment_id")?,
            created_at: query.window("created_at")?,
            updated_at: query.window("updated_at")?,
            filter: None,
        };
        Ok((page, filter, query.order(&SORT_ORDERS)?, query.filters()?))
    })?;

    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    if let Some(filters) = filters {
        connection.shorten_statement_timeout().await?;
        let (rules, now) = rules::current(&app.core, &mut connection, caller.project).await?;
        filter.filter = Some((parse_filter(&filters, |name| rules.customer_field(name))?, now));
    }
    let mut found = db::customers::list(&mut connection, caller.project, &filter, sort, cursor, page).await?;
    if let Some(segment_id) = filter.segment_id.as_ref().filter(|_| found.is_time_dependent != Some(false))
        && !segments::is_up_to_date(&app.core, &caller, &mut connection, segment_id).await?
    {
        // Release the connection first, because requests that hold one while they wait for another can block each
        // other.
        connection.release();
        segments::bring_up_to_date(&app.core, &caller, segment_id).await?;
        connection = app.core.pool.acquire_for(caller.project).await?;
        if filter.filter.is_some() {
            connection.shorten_statement_timeout().await?;
        }
        found = db::customers::list(&mut connection, caller.project, &filter, sort, cursor, page).await?;
    }
    connection.release();

    let limit = usize::try_from(page.limit).unwrap_or_default();
    // The time that the cursor of the next page is compared with.
    let cursor_time = cursor.map(|_| {
        move |row: &CustomerRef<'_>| match sort.key {
            SortKey::UpdatedAt => row.updated_at.unwrap_or(row.created_at),
            SortKey::CreatedAt | SortKey::SourceId => row.created_at,
        }
    });
    let mut customers = found.customers()?;
    let has_more = page::trim_to_limit(&mut customers, limit, cursor_time);
    let bytes = 256 + customers.len() * 1_200;
    Ok(answer::json_sized(bytes, |out| {
        list::write(out, "customers", &customers, customer::write_ref, found.total, Some(has_more));
    }))
}
