use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::deliveries::status;
use super::target::without_password;
use crate::console::components::{Cell, Definitions, FormView, Json, Table};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{integer, items, text};
use crate::db::webhook_deliveries;
use crate::objects::webhook;

#[derive(Template)]
#[template(path = "webhooks/delivery.html")]
struct Show {
    details: Definitions,
    attempts: Option<Table>,
    message: Option<Json>,
    replay: FormView,
}

/// GET /_emulator/console/projects/{project}/webhooks/deliveries/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let delivery = project.get(&format!("/_emulator/webhooks/deliveries/{}", encoded(&id))).await?;
    let id = text(&delivery, "/id");
    let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
    let found = webhook_deliveries::find_with_message(&mut connection, project.overview.id, &id).await?;
    connection.release();
    let message = found.and_then(|found| serde_json::from_slice(&webhook::message(&found)).ok()).map(mask);

    let (webhook_id, customer) = (text(&delivery, "/webhook_id"), text(&delivery, "/entity_id"));
    let webhook_link = project.link(&format!("/webhooks/{}", encoded(&webhook_id)));
    let attempts = items(&delivery, "/attempts");
    let content = Show {
        details: Definitions::new([
            ("Id", Cell::code(&id)),
            ("Status", status(&delivery)),
            ("Event", Cell::text(text(&delivery, "/event_type"))),
            ("Endpoint", Cell { class: "code", ..Cell::text(&webhook_id) }.to(&webhook_link)),
            ("Customer", Cell { class: "code", ..Cell::text(&customer) }.to(project.customer_link(&customer))),
            ("Created", Cell::time(text(&delivery, "/created_at"))),
            ("Next attempt", Cell::time(text(&delivery, "/next_attempt_at"))),
            ("Finished", Cell::time(text(&delivery, "/finished_at"))),
        ]),
        attempts: (!attempts.is_empty()).then(|| table(&project, attempts)),
        message: message.as_ref().map(Json::new),
        replay: FormView::new(
            &project.visit.session,
            project.link(&format!("/webhooks/deliveries/{}/replay", encoded(&id))),
            "Send it again",
            Vec::new(),
        ),
    };
    let page = Page::new(format!("Delivery of {}", text(&delivery, "/event_type")))
        .below(project.section_link(Section::Webhooks), "Webhooks")
        .below(webhook_link, webhook_id);
    project.page(Section::Webhooks, page, &content)
}

/// Masks the password in the target URL of a message.
fn mask(mut message: Value) -> Value {
    if let Some(target) = message.pointer_mut("/source/target_url") {
        *target = without_password(target.as_str().unwrap_or_default()).into();
    }
    message
}

fn table(project: &Project, attempts: &[Value]) -> Table {
    let row = |(index, attempt): (usize, &Value)| {
        let status = text(attempt, "/status");
        let fault = text(attempt, "/fault");
        let is_success = text(attempt, "/error").is_empty();
        vec![
            Cell::number(i64::try_from(index + 1).unwrap_or(i64::MAX)),
            Cell::time(text(attempt, "/created_at")),
            Cell::badge(if status.is_empty() { "no answer" } else { &status }, if is_success { "good" } else { "bad" }),
            Cell { class: "number", ..Cell::text(format!("{} ms", integer(attempt, "/milliseconds"))) },
            Cell::text(text(attempt, "/error")),
            Cell { class: "code", ..Cell::text(fault) }.to(project.link("/controls/faults")),
        ]
    };
    Table {
        caption: "Attempts, oldest first",
        columns: vec!["Attempt", "Time", "Status", "Duration", "Error", "Fault"],
        rows: attempts.iter().enumerate().map(row).collect(),
    }
}
