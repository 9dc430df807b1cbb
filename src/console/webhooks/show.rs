use askama::Template;
use axum::response::Response;

use super::deliveries::Deliveries;
use super::list::{events, is_active, kind};
use super::target::without_password;
use crate::console::components::{Cell, Definitions, Field, FormView};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::{Page, RawQuery};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(path = "webhooks/show.html")]
struct Show {
    details: Definitions,
    events: Vec<String>,
    switch: FormView,
    is_active: bool,
    deliveries: Deliveries,
    delete_link: String,
}

/// GET /_emulator/console/projects/{project}/webhooks/{id}
///
/// Query parameters, which select deliveries: `status`, `after`.
pub async fn handle(project: Project, ItemId(id): ItemId, query: RawQuery) -> Result<Response, PageError> {
    let webhook = project.get(&format!("/_emulator/webhooks/{}", encoded(&id))).await?;
    let id = text(&webhook, "/id");
    let link = project.link(&format!("/webhooks/{}", encoded(&id)));
    let target = without_password(&text(&webhook, "/target_url"));
    let active = text(&webhook, "/active") == "true";
    let (submit, value) = if active { ("Deactivate", "false") } else { ("Activate", "true") };
    let content = Show {
        details: Definitions::new([
            ("Id", Cell::code(&id)),
            ("Kind", Cell::text(kind(&webhook))),
            ("Name", Cell::text(text(&webhook, "/name"))),
            ("Target", Cell::code(&target)),
            ("State", is_active(&webhook)),
            ("Created", Cell::time(text(&webhook, "/created_at"))),
        ]),
        events: events(&webhook),
        switch: FormView::new(
            &project.visit.session,
            format!("{link}/active"),
            submit,
            vec![Field::hidden("active", value)],
        ),
        is_active: active,
        deliveries: Deliveries::read(&project, link.clone(), Some(&id), &query).await?,
        delete_link: format!("{link}/delete"),
    };
    let page = Page::new(target).below(project.section_link(Section::Webhooks), "Webhooks");
    project.page_with(content.deliveries.page_status(), Section::Webhooks, page, &content)
}
