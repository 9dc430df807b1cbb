use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::show::title;
use super::tabs::tabs;
use crate::console::components::{Cell, Json, Pager, Tabs};
use crate::console::error::PageError;
use crate::console::link::{encoded, with_query};
use crate::console::page::{Page, RawQuery};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{items, text};
use crate::db::webhook_deliveries;
use crate::domain::activity::LISTED_TYPES;
use crate::domain::timestamp;
use crate::domain::webhook::StoredDelivery;

const ENTRIES_PER_PAGE: usize = 25;

#[derive(Template)]
#[template(path = "customers/timeline.html")]
struct Timeline {
    tabs: Tabs,
    action: String,
    kind: String,
    kinds: &'static [&'static str],
    entries: Vec<Entry>,
    pager: Pager,
}

/// An activity entry.
struct Entry {
    kind: String,
    at: String,
    group: String,
    payload: Json,
    deliveries: Vec<Delivery>,
}

struct Delivery {
    id: String,
    webhook: String,
    status: Cell,
    finished_at: String,
    attempts: Option<Json>,
}

/// GET /_emulator/console/projects/{project}/customers/{id}/timeline
pub async fn handle(project: Project, ItemId(id): ItemId, query: RawQuery) -> Result<Response, PageError> {
    let customer = project.get(&format!("/v1/customers/{}", encoded(&id))).await?;
    let id = text(&customer, "/id");
    let (kind, after) = (query.text("type"), query.text("after"));
    let limit = ENTRIES_PER_PAGE.to_string();
    let path = format!("/v1/customers/{id}/activity");
    let parameters = [("limit", limit.as_str()), ("type", &kind), ("starting_after_id", &after)];
    let activity = project.get(&with_query(&path, &parameters)).await?;
    let found = items(&activity, "/data");

    let entry_ids: Vec<_> = found.iter().map(|entry| text(entry, "/id")).collect();
    let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
    let deliveries = webhook_deliveries::list_of_entries(&mut connection, project.overview.id, &id, &entry_ids).await?;
    connection.release();

    let link = format!("{}/timeline", project.customer_link(&id));
    let next = text(&activity, "/more_starting_after");
    let content = Timeline {
        tabs: tabs(&project, &id, "/timeline"),
        pager: Pager {
            first: (!after.is_empty()).then(|| with_query(&link, &[("type", &kind)])),
            next: (!next.is_empty()).then(|| with_query(&link, &[("type", &kind), ("after", &next)])),
            total: String::new(),
        },
        action: link,
        kind,
        kinds: &LISTED_TYPES,
        entries: found.iter().map(|object| entry(object, &deliveries)).collect(),
    };
    let page = Page::new(title(&customer)).below(project.section_link(Section::Customers), "Customers");
    project.page(Section::Customers, page, &content)
}

fn entry(object: &Value, deliveries: &[StoredDelivery]) -> Entry {
    let id = text(object, "/id");
    Entry {
        kind: text(object, "/type"),
        at: text(object, "/created_at"),
        group: text(object, "/group_id"),
        payload: Json::new(&object["data"]),
        deliveries: deliveries.iter().filter(|one| one.entry_id == id).map(delivery).collect(),
    }
}

fn delivery(stored: &StoredDelivery) -> Delivery {
    let status = match stored.outcome.as_deref() {
        Some("DELIVERED") => Cell::badge("delivered", "good"),
        Some(_) => Cell::badge("failed", "bad"),
        None => Cell::badge("pending", "busy"),
    };
    Delivery {
        id: stored.id.clone(),
        webhook: stored.webhook_id.clone(),
        status,
        finished_at: stored.finished_at.map(timestamp::text).unwrap_or_default(),
        attempts: stored.attempts.as_ref().map(|attempts| Json::new(&attempts.value())),
    }
}
