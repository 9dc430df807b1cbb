use askama::Template;
use axum::response::Response;
use chrono::DateTime;
use serde_json::Value;

use super::filter::{ConditionView, conditions};
use crate::api::v1::customers::list::{ListRequest, list};
use crate::console::components::{Cell, Empty, Pager, Row, Table};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::link::with_encoded_query;
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{self, text};
use crate::db::customers::Cursor;
use crate::domain::customer::CustomerRef;
use crate::domain::filter::OPERATORS;
use crate::domain::page::{Page as ListPage, SortKey};
use crate::http::ApiError;
use crate::http::query::Parameters;
use crate::objects::{customer, rendered};

pub const CUSTOMERS_PER_PAGE: usize = 25;

/// The sort orders of the list, with their names.
const ORDERS: [(&str, &str); 4] = [
    ("-created_at", "Newest first"),
    ("created_at", "Oldest first"),
    ("-updated_at", "Last changed first"),
    ("updated_at", "Longest unchanged first"),
];

#[derive(Template)]
#[template(path = "customers/list.html")]
struct Customers<'a> {
    list_link: String,
    search_link: String,
    filter_link: String,
    name: String,
    email: String,
    city: String,
    order: String,
    orders: &'static [(&'static str, &'static str)],
    conditions: Vec<ConditionView>,
    operators: &'a [&'a str],
    /// The parameters that the forms keep.
    kept: Vec<(String, String)>,
    is_filtered: bool,
    error: Option<String>,
    table: Option<Table>,
    empty: Empty,
    pager: Pager,
}

/// GET /_emulator/console/projects/{project}/customers
///
/// Query parameters: those of `GET /v1/customers` that select and sort customers, and `after`, where the page begins.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let list_link = project.section_link(Section::Customers);
    let found = page_of_customers(&project, &query, None).await;
    let (customers, next, total, error) = match found {
        Ok(found) => (found.customers, found.next, found.total, None),
        // Show the form with what is wrong in it.
        Err(error) if is_correctable(&error) => (Vec::new(), None, 0, Some(error.text().into_owned())),
        Err(error) => return Err(error.into()),
    };
    let is_filtered = is_filtered(&query);
    let table = (!customers.is_empty()).then(|| table(&project, &customers));
    let text_of = |name: &str| query.text(name);
    let status = status_with(error.as_ref());
    let content = Customers {
        search_link: project.link("/customers/search"),
        filter_link: project.link("/customers/filter"),
        name: text_of("name"),
        email: text_of("email"),
        city: text_of("city"),
        order: text_of("order"),
        orders: &ORDERS,
        conditions: conditions(&query, &list_link),
        operators: &OPERATORS,
        kept: kept(&query),
        is_filtered,
        error,
        table,
        empty: empty(&project, is_filtered),
        pager: Pager {
            first: (!query.text("after").is_empty())
                .then(|| with_encoded_query(&list_link, &query.replaced(&["after", "notice"], "", ""))),
            next: next
                .map(|after| with_encoded_query(&list_link, &query.replaced(&["after", "notice"], "after", &after))),
            total: view::count(total, "customer", "customers"),
        },
        list_link,
    };
    let page = Page::new("Customers").action(project.link("/customers/new"), "Create a customer");
    project.page_with(status, Section::Customers, page, &content)
}

/// One page of customers, as the API shows them.
pub struct CustomersOfPage {
    pub customers: Vec<Value>,
    /// Where the next page begins.
    pub next: Option<String>,
    pub total: i64,
}

/// Lists the customers that a query selects, or the members of a segment among them.
///
/// # Errors
/// 400 for an invalid query; 503 or 500 when the database fails.
pub async fn page_of_customers(
    project: &Project,
    query: &RawQuery,
    segment_id: Option<&str>,
) -> Result<CustomersOfPage, ApiError> {
    let mut request = ListRequest::read_conditions(&Parameters::parse(&query.0)?)?;
    if let Some(segment_id) = segment_id {
        request.filter.segment_id = Some(segment_id.to_owned());
    }
    request.cursor = parse_cursor(&query.text("after"));
    request.page = ListPage::first(i64::try_from(CUSTOMERS_PER_PAGE).unwrap_or(i64::MAX));
    let sort = request.sort;
    if sort.key == SortKey::SourceId {
        return Err(ApiError::invalid_query("The console sorts customers by their times only"));
    }
    let found = list(&project.console.app, &project.caller(), request).await?;
    let mut rows = found.customers()?;
    let has_more = rows.len() > CUSTOMERS_PER_PAGE;
    rows.truncate(CUSTOMERS_PER_PAGE);
    let next = rows.last().filter(|_| has_more).map(|last| {
        let time = match sort.key {
            SortKey::UpdatedAt => last.updated_at.unwrap_or(last.created_at),
            SortKey::CreatedAt | SortKey::SourceId => last.created_at,
        };
        format!("{}~{}", time.timestamp_micros(), last.id)
    });
    Ok(CustomersOfPage { customers: rows.iter().map(object).collect(), next, total: found.total })
}

fn parse_cursor(text: &str) -> Option<Cursor> {
    let (micros, id) = text.split_once('~')?;
    let time = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    (!id.contains('\0')).then(|| Cursor::Row(time, id.to_owned()))
}

/// Returns a customer as the API shows it.
pub fn object(row: &CustomerRef<'_>) -> Value {
    rendered(|out| customer::write_ref(out, row)).value()
}

/// Returns the table of customers.
pub fn table(project: &Project, customers: &[Value]) -> Table {
    Table {
        caption: "Customers",
        columns: vec!["Name", "Source id", "E-mail", "City", "Orders", "Spent", "Created"],
        rows: customers.iter().map(|customer| row(project, customer)).collect(),
    }
}

/// Returns the row of a customer.
pub fn row(project: &Project, customer: &Value) -> Row {
    let id = text(customer, "/id");
    let name = text(customer, "/name");
    let name = if name.is_empty() { Cell { class: "code", ..Cell::text(&id) } } else { Cell::text(name) };
    vec![
        name.to(project.customer_link(&id)),
        Cell::text(text(customer, "/source_id")),
        Cell::text(text(customer, "/email")),
        Cell::text(text(customer, "/address/city")),
        Cell::number(view::integer(customer, "/summary/orders/total_count")),
        view::amount(customer, "/summary/orders/total_amount"),
        Cell::time(text(customer, "/created_at")),
    ]
}

fn is_filtered(query: &RawQuery) -> bool {
    form_urlencoded::parse(query.0.as_bytes())
        .any(|(name, value)| !value.is_empty() && !["order", "after", "notice", "q"].contains(&name.as_ref()))
}

/// Returns the conditions `filters[...]` of the query, which the form for the other parameters keeps.
fn kept(query: &RawQuery) -> Vec<(String, String)> {
    let parameters = form_urlencoded::parse(query.0.as_bytes()).into_owned();
    let own = ["name", "email", "city", "order", "after", "notice", "q"];
    parameters.filter(|(name, _)| !own.contains(&name.as_str())).collect()
}

fn empty(project: &Project, is_filtered: bool) -> Empty {
    if is_filtered {
        return Empty { text: "No customer matches.".to_owned(), command: String::new() };
    }
    let body = r#"{"source_id": "alice@morgan.com", "name": "Alice Morgan", "email": "alice@morgan.com"}"#;
    Empty {
        text: "There are no customers yet. This call creates one:".to_owned(),
        command: project.command("/v1/customers", body),
    }
}
