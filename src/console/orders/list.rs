use askama::Template;
use axum::response::Response;

use super::table::table;
use crate::console::components::{Empty, Pager, Table};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::link::with_query;
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{self, integer, items};

const ORDERS_PER_PAGE: usize = 25;
/// The last page of the list of orders in the API.
const MAX_PAGE: i64 = 100;
const STATUSES: [&str; 4] = ["CREATED", "PAID", "FULFILLED", "CANCELED"];

#[derive(Template)]
#[template(path = "orders/list.html")]
struct Orders {
    list_link: String,
    customer: String,
    status: String,
    statuses: &'static [&'static str],
    error: Option<String>,
    table: Option<Table>,
    empty: Empty,
    pager: Pager,
    is_last_page: bool,
}

/// GET /_emulator/console/projects/{project}/orders
///
/// Query parameters: `customer`, `status`, `page`.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let list_link = project.section_link(Section::Orders);
    let (customer, status) = (query.text("customer"), query.text("status"));
    let page = query.text("page").parse().unwrap_or(1).clamp(1, MAX_PAGE);
    let (limit, number) = (ORDERS_PER_PAGE.to_string(), page.to_string());
    let parameters = [
        ("limit", limit.as_str()),
        ("page", number.as_str()),
        ("customer", customer.as_str()),
        ("filters[status][conditions][$is]", status.as_str()),
    ];
    let (orders, error) = match project.get(&with_query("/v1/orders", &parameters)).await {
        Ok(orders) => (orders, None),
        Err(error) if is_correctable(&error) => (serde_json::Value::Null, Some(error.text().into_owned())),
        Err(error) => return Err(error.into()),
    };
    let (found, total) = (items(&orders, "/orders"), integer(&orders, "/total"));
    let has_more = total > page * i64::try_from(ORDERS_PER_PAGE).unwrap_or(i64::MAX);
    let other_page = |page: i64| {
        let number = if page == 1 { String::new() } else { page.to_string() };
        with_query(&list_link, &[("customer", &customer), ("status", &status), ("page", &number)])
    };
    let body = r#"{"amount": 20000, "status": "PAID", "customer": {"source_id": "alice@morgan.com"}}"#;
    let is_filtered = !customer.is_empty() || !status.is_empty();
    let empty = if is_filtered {
        Empty { text: "No order matches.".to_owned(), command: String::new() }
    } else {
        Empty {
            text: "There are no orders yet. This call creates one:".to_owned(),
            command: project.command("/v1/orders", body),
        }
    };
    let status_code = status_with(error.as_ref());
    let content = Orders {
        statuses: &STATUSES,
        error,
        table: (!found.is_empty()).then(|| table(&project, found)),
        empty,
        pager: Pager {
            first: (page > 1).then(|| other_page(1)),
            next: (has_more && page < MAX_PAGE).then(|| other_page(page + 1)),
            total: view::count(total, "order", "orders"),
        },
        is_last_page: has_more && page == MAX_PAGE,
        list_link: list_link.clone(),
        customer: customer.clone(),
        status: status.clone(),
    };
    project.page_with(status_code, Section::Orders, Page::new("Orders"), &content)
}
