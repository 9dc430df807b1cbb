use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};

use crate::console::components::{Cell, Empty, Pager, Row, Table};
use crate::console::error::PageError;
use crate::console::link::{encoded, with_query};
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::text;
use crate::db::events::{self, EventFilter};
use crate::domain::event::StoredEvent;
use crate::domain::timestamp;

const EVENTS_PER_PAGE: i64 = 25;

#[derive(Template)]
#[template(path = "events/list.html")]
struct Events {
    list_link: String,
    customer: String,
    name: String,
    table: Option<Table>,
    empty: Empty,
    pager: Pager,
}

/// GET /_emulator/console/projects/{project}/events
///
/// Query parameters: `customer` (id or source id), `name`, and `after`, where the page begins.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let list_link = project.section_link(Section::Events);
    let (customer, name, after) = (query.text("customer"), query.text("name").replace('\0', ""), query.text("after"));
    let customer_id = match customer.as_str() {
        "" => None,
        // An unknown customer has no events.
        identifier => {
            let found = project.get(&format!("/v1/customers/{}", encoded(identifier))).await.ok();
            Some(found.map(|found| text(&found, "/id")).unwrap_or_default())
        }
    };
    let filter = EventFilter {
        customer_id,
        name: Some(name.clone()).filter(|name| !name.is_empty()),
        before: cursor(&after).unwrap_or((DateTime::<Utc>::MAX_UTC, String::new())),
    };
    let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
    let mut found = events::list(&mut connection, project.overview.id, &filter, EVENTS_PER_PAGE + 1).await?;
    connection.release();
    let limit = usize::try_from(EVENTS_PER_PAGE).unwrap_or_default();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next =
        found.last().filter(|_| has_more).map(|last| format!("{}~{}", last.created_at.timestamp_micros(), last.id));
    let other_page =
        |after: &str| with_query(&list_link, &[("customer", &customer), ("name", &name), ("after", after)]);
    let body =
        r#"{"event": "page_view", "customer": {"source_id": "alice@morgan.com"}, "metadata": {"page": "/home"}}"#;
    let empty = if customer.is_empty() && name.is_empty() {
        Empty {
            text: "There are no custom events yet. This call tracks one:".to_owned(),
            command: project.command("/v1/events", body),
        }
    } else {
        Empty { text: "No custom event matches.".to_owned(), command: String::new() }
    };
    let table = Table {
        caption: "Custom events",
        columns: vec!["Name", "Customer", "Metadata", "Created"],
        rows: found.iter().map(|event| row(&project, event)).collect(),
    };
    let content = Events {
        table: (!found.is_empty()).then_some(table),
        empty,
        pager: Pager {
            first: (!after.is_empty()).then(|| other_page("")),
            next: next.map(|next| other_page(&next)),
            total: String::new(),
        },
        list_link: list_link.clone(),
        customer: customer.clone(),
        name: name.clone(),
    };
    project.page(Section::Events, Page::new("Custom events"), &content)
}

fn cursor(text: &str) -> Option<(DateTime<Utc>, String)> {
    let (micros, id) = text.split_once('~')?;
    Some((DateTime::from_timestamp_micros(micros.parse().ok()?)?, id.replace('\0', "")))
}

fn row(project: &Project, event: &StoredEvent) -> Row {
    let link =
        with_query(&project.link(&format!("/events/{}", encoded(&event.id))), &[("customer", &event.customer_id)]);
    let metadata: String = event.metadata.as_str().chars().take(120).collect();
    let is_cut = metadata.len() < event.metadata.as_str().len();
    vec![
        Cell::text(&event.name).to(link),
        Cell { class: "code", ..Cell::text(&event.customer_id) }.to(project.customer_link(&event.customer_id)),
        Cell::code(if is_cut { format!("{metadata}…") } else { metadata }),
        Cell::time(timestamp::text(event.created_at)),
    ]
}
