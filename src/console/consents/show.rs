use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::console::components::{Cell, Definitions, Json};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{items, text};

#[derive(Template)]
#[template(path = "consents/show.html")]
struct Show {
    details: Definitions,
    object: Json,
    delete_link: String,
}

/// Returns the consent with that id, and the lists of all consents and groups.
pub async fn find(project: &Project, id: &str) -> Result<(Value, Value), PageError> {
    let lists = project.get("/v1/consents").await?;
    let consent = items(&lists, "/consents/data").iter().find(|consent| text(consent, "/id") == id).cloned();
    Ok((consent.ok_or_else(|| PageError::not_found("consent"))?, lists))
}

/// GET /_emulator/console/projects/{project}/consents/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let (consent, lists) = find(&project, &id).await?;
    let contains = |group: &&Value| items(group, "/consents").iter().any(|member| text(member, "") == id);
    let groups: Vec<_> =
        items(&lists, "/groups/data").iter().filter(contains).map(|group| text(group, "/name")).collect();
    let details = Definitions::new([
        ("Id", Cell::code(&id)),
        ("Name", Cell::text(text(&consent, "/name"))),
        ("Description", Cell::text(text(&consent, "/description"))),
        ("Category", Cell::text(text(&consent, "/category"))),
        ("Groups", Cell::text(groups.join(", "))),
        ("Created", Cell::time(text(&consent, "/created_at"))),
        ("Updated", Cell::time(text(&consent, "/updated_at"))),
    ]);
    let link = project.link(&format!("/consents/{}", encoded(&id)));
    let name = text(&consent, "/name");
    let page = Page::new(if name.is_empty() { id } else { name })
        .below(project.section_link(Section::Consents), "Consents")
        .action(format!("{link}/edit"), "Edit");
    let shown = Show { details, object: Json::new(&consent), delete_link: format!("{link}/delete") };
    project.page(Section::Consents, page, &shown)
}
