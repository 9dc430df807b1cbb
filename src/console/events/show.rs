use askama::Template;
use axum::response::Response;

use crate::console::components::{Cell, Definitions, Json};
use crate::console::error::PageError;
use crate::console::page::{Page, RawQuery};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::db::events;
use crate::domain::timestamp;

#[derive(Template)]
#[template(path = "events/show.html")]
struct Show {
    details: Definitions,
    metadata: Json,
}

/// GET /_emulator/console/projects/{project}/events/{id}
///
/// Query parameter: `customer`, the id of the customer, which is a part of the key of an event.
pub async fn handle(project: Project, ItemId(id): ItemId, query: RawQuery) -> Result<Response, PageError> {
    let (customer_id, id) = (query.text("customer").replace('\0', ""), id.replace('\0', ""));
    let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
    let found = events::find(&mut connection, project.overview.id, &customer_id, &id).await?;
    connection.release();
    let event = found.ok_or_else(|| PageError::not_found("custom event"))?;
    let content = Show {
        details: Definitions::new([
            ("Id", Cell::code(&event.id)),
            ("Name", Cell::text(&event.name)),
            ("Customer", Cell { class: "code", ..Cell::text(&customer_id) }.to(project.customer_link(&customer_id))),
            ("Created", Cell::time(timestamp::text(event.created_at))),
        ]),
        metadata: Json::new(&event.metadata.value()),
    };
    project.page(
        Section::Events,
        Page::new(event.name).below(project.section_link(Section::Events), "Custom events"),
        &content,
    )
}
