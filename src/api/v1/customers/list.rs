use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use crate::db;
use crate::db::customers::{Cursor, CustomerFilter, CustomerPage};
use crate::domain::customer::CustomerRef;
use crate::domain::page::{self, Page, Sort, SortKey};
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Query;
use crate::http::query::{Parameters, parse_filter};
use crate::http::state::AppState;
use crate::objects::{self, customer};
use crate::service::{Caller, rules, segments};

const SORT_ORDERS: [&str; 6] = ["created_at", "-created_at", "updated_at", "-updated_at", "source_id", "-source_id"];
const MAX_PAGE: i64 = 99;

/// What a list of customers selects, in which order, and where it begins.
pub(crate) struct ListRequest {
    pub page: Page,
    pub cursor: Option<Cursor>,
    pub filter: CustomerFilter,
    pub sort: Sort,
    /// The JSON of the parameters `filters[...]`, which is parsed when the rules of the project are known.
    pub filters: Option<Value>,
}

impl ListRequest {
    /// Reads the parameters `order`, `filters[...]` and those that name a value or a time, but neither page nor cursor.
    ///
    /// # Errors
    /// 400 for the first invalid parameter.
    pub fn read_conditions(query: &Parameters) -> Result<Self, ApiError> {
        let filter = CustomerFilter {
            email: query.text("email")?,
            city: query.text("city")?,
            name: query.text("name")?,
            segment_id: query.text("segment_id")?,
            created_at: query.window("created_at")?,
            updated_at: query.window("updated_at")?,
            filter: None,
        };
        let (sort, filters) = (query.order(&SORT_ORDERS)?, query.filters()?);
        Ok(Self { page: Page::first(10), cursor: None, filter, sort, filters })
    }
}

/// GET /v1/customers (list-customers)
pub async fn handle(State(app): State<AppState>, caller: Caller, query: Query) -> Result<Response, ApiError> {
    let (request, cursor) = query.read(|query| {
        let (page, cursor) = query.page_or_cursor(MAX_PAGE)?;
        let request = ListRequest::read_conditions(query)?;
        Ok((ListRequest { page, cursor: cursor.map(Cursor::Time), ..request }, cursor))
    })?;
    let (page, sort) = (request.page, request.sort);
    let found = list(&app, &caller, request).await?;

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
        objects::list::write(out, "customers", &customers, customer::write_ref, found.total, Some(has_more));
    }))
}

/// Lists customers, of a segment after its members were brought up to date.
///
/// # Errors
/// 400 for an invalid filter; 503 or 500 when the database fails.
pub(crate) async fn list(app: &AppState, caller: &Caller, request: ListRequest) -> Result<CustomerPage, ApiError> {
    let ListRequest { page, cursor, mut filter, sort, filters } = request;
    let cursor = cursor.as_ref();
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    if let Some(filters) = filters {
        connection.shorten_statement_timeout().await?;
        let (rules, now) = rules::current(&app.core, &mut connection, caller.project).await?;
        filter.filter = Some((parse_filter(&filters, |name| rules.customer_field(name))?, now));
    }
    let mut found = db::customers::list(&mut connection, caller.project, &filter, sort, cursor, page).await?;
    if let Some(segment_id) = filter.segment_id.as_ref().filter(|_| found.is_time_dependent != Some(false))
        && !segments::is_up_to_date(&app.core, caller, &mut connection, segment_id).await?
    {
        // Release the connection first, because requests that hold one while they wait for another can block each
        // other.
        connection.release();
        segments::bring_up_to_date(&app.core, caller, segment_id).await?;
        connection = app.core.pool.acquire_for(caller.project).await?;
        if filter.filter.is_some() {
            connection.shorten_statement_timeout().await?;
        }
        found = db::customers::list(&mut connection, caller.project, &filter, sort, cursor, page).await?;
    }
    connection.release();
    Ok(found)
}
