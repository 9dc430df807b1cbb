use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::deliveries::Deliveries;
use super::target::without_password;
use crate::console::components::{Cell, Empty, Table};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{items, text};

#[derive(Template)]
#[template(path = "webhooks/list.html")]
struct Webhooks {
    endpoints: Option<Table>,
    empty: Empty,
    deliveries: Deliveries,
}

/// GET /_emulator/console/projects/{project}/webhooks
///
/// Query parameters, which select deliveries: `status`, `webhook`, `after`.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let webhooks = project.get("/_emulator/webhooks").await?;
    let found = items(&webhooks, "/data");
    let row = |webhook: &Value| {
        let id = text(webhook, "/id");
        let link = project.link(&format!("/webhooks/{}", encoded(&id)));
        vec![
            Cell::text(without_password(&text(webhook, "/target_url"))).to(link),
            Cell::text(kind(webhook)),
            is_active(webhook),
            Cell::text(events(webhook).join(", ")),
            Cell::time(text(webhook, "/created_at")),
        ]
    };
    let body = r#"{"target_url": "http://127.0.0.1:9000/hook", "events": ["customer.created", "customer.updated"]}"#;
    let columns = vec!["Target", "Kind", "State", "Events", "Created"];
    let content = Webhooks {
        endpoints: (!found.is_empty()).then(|| Table {
            caption: "List of endpoints",
            columns,
            rows: found.iter().map(row).collect(),
        }),
        empty: Empty {
            text: "There are no webhooks yet. Create one with the button above, or with this call:".to_owned(),
            command: project.command("/_emulator/webhooks", body),
        },
        deliveries: Deliveries::read(&project, project.section_link(Section::Webhooks), None, &query).await?,
    };
    let page = Page::new("Webhooks").action(project.link("/webhooks/new"), "Create a webhook");
    project.page_with(content.deliveries.page_status(), Section::Webhooks, page, &content)
}

/// Returns the kind of a webhook, in words.
pub fn kind(webhook: &Value) -> &'static str {
    if text(webhook, "/object") == "distribution" { "distribution" } else { "project webhook" }
}

/// Returns whether a webhook sends messages.
pub fn is_active(webhook: &Value) -> Cell {
    match webhook.get("active") {
        Some(Value::Bool(true)) => Cell::badge("active", "good"),
        _ => Cell::badge("inactive", "bad"),
    }
}

/// Returns the event types that a webhook subscribes to.
pub fn events(webhook: &Value) -> Vec<String> {
    items(webhook, "/events").iter().map(|event| text(event, "")).collect()
}
