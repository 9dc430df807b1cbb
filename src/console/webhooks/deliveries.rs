//! The list of deliveries, on the page of all webhooks and on that of one.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::StatusCode;
use serde_json::Value;

use crate::console::components::{Cell, Pager, Table};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::link::{encoded, with_query};
use crate::console::page::RawQuery;
use crate::console::project::Project;
use crate::console::view::{items, text};

const DELIVERIES_PER_PAGE: usize = 25;
const STATUSES: [&str; 3] = ["PENDING", "DELIVERED", "FAILED"];

/// The deliveries of one or all webhooks, newest first.
#[derive(Template)]
#[template(path = "webhooks/deliveries.html")]
pub struct Deliveries {
    page_link: String,
    status: String,
    statuses: &'static [&'static str],
    error: Option<String>,
    table: Option<Table>,
    empty: &'static str,
    pager: Pager,
}

impl HtmlSafe for Deliveries {}

impl Deliveries {
    /// Returns the status of the page that shows them: 400 if the query was refused.
    pub fn page_status(&self) -> StatusCode {
        status_with(self.error.as_ref())
    }

    /// Reads the deliveries that the query of the page selects.
    ///
    /// # Errors
    /// Those of the API.
    pub async fn read(
        project: &Project,
        page_link: String,
        webhook: Option<&str>,
        query: &RawQuery,
    ) -> Result<Self, PageError> {
        let (status, after) = (query.text("status"), query.text("after"));
        let limit = DELIVERIES_PER_PAGE.to_string();
        let parameters = [
            ("limit", limit.as_str()),
            ("webhook_id", webhook.unwrap_or_default()),
            ("status", &status),
            ("starting_after_id", &after),
        ];
        let (list, error) = match project.get(&with_query("/_emulator/webhooks/deliveries", &parameters)).await {
            Ok(list) => (list, None),
            Err(error) if is_correctable(&error) => (Value::Null, Some(error.text().into_owned())),
            Err(error) => return Err(error.into()),
        };
        let found = items(&list, "/data");
        let next = text(&list, "/more_starting_after");
        let empty = if status.is_empty() {
            "No deliveries yet. A change that an active webhook subscribes to causes one."
        } else {
            "No delivery matches."
        };
        Ok(Self {
            statuses: &STATUSES,
            error,
            table: (!found.is_empty()).then(|| table(project, found)),
            empty,
            pager: Pager {
                first: (!after.is_empty()).then(|| with_query(&page_link, &[("status", &status)])),
                next: (!next.is_empty()).then(|| with_query(&page_link, &[("status", &status), ("after", &next)])),
                total: String::new(),
            },
            status,
            page_link,
        })
    }
}

fn table(project: &Project, deliveries: &[Value]) -> Table {
    let row = |delivery: &Value| {
        let id = text(delivery, "/id");
        let webhook = text(delivery, "/webhook_id");
        let webhook_link = project.link(&format!("/webhooks/{}", encoded(&webhook)));
        let attempts = items(delivery, "/attempts").len();
        let next = text(delivery, "/next_attempt_at");
        vec![
            Cell::time(text(delivery, "/created_at")),
            Cell::text(text(delivery, "/event_type"))
                .to(project.link(&format!("/webhooks/deliveries/{}", encoded(&id)))),
            status(delivery),
            Cell::number(i64::try_from(attempts).unwrap_or(i64::MAX)),
            Cell::time(next),
            Cell { class: "code", ..Cell::text(webhook) }.to(webhook_link),
        ]
    };
    Table {
        caption: "Deliveries, newest first",
        columns: vec!["Created", "Event", "Status", "Attempts", "Next attempt", "Endpoint"],
        rows: deliveries.iter().map(row).collect(),
    }
}

/// Returns the status of a delivery.
pub fn status(delivery: &Value) -> Cell {
    match text(delivery, "/status").as_str() {
        "DELIVERED" => Cell::badge("delivered", "good"),
        "FAILED" => Cell::badge("failed", "bad"),
        _ => Cell::badge("pending", "busy"),
    }
}
