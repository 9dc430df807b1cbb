use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::console::components::{Cell, Definitions, Json};
use crate::console::error::PageError;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{items, text};

#[derive(Template)]
#[template(path = "consents/show.html")]
struct Show {
    details: Definitions,
    object: Json,
}

/// GET /_emulator/console/projects/{project}/consents/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let lists = project.get("/v1/consents").await?;
    let consent = items(&lists, "/consents/data").iter().find(|consent| text(consent, "/id") == id);
    let consent = consent.ok_or_else(|| PageError::not_found("consent"))?;
    let contains = |group: &&Value| items(group, "/consents").iter().any(|member| text(member, "") == id);
    let groups: Vec<_> =
        items(&lists, "/groups/data").iter().filter(contains).map(|group| text(group, "/name")).collect();
    let details = Definitions::new([
        ("Id", Cell::code(&id)),
        ("Name", Cell::text(text(consent, "/name"))),
        ("Description", Cell::text(text(consent, "/description"))),
        ("Category", Cell::text(text(consent, "/category"))),
        ("Groups", Cell::text(groups.join(", "))),
        ("Created", Cell::time(text(consent, "/created_at"))),
        ("Updated", Cell::time(text(consent, "/updated_at"))),
    ]);
    let name = text(consent, "/name");
    let page =
        Page::new(if name.is_empty() { id } else { name }).below(project.section_link(Section::Consents), "Consents");
    project.page(Section::Consents, page, &Show { details, object: Json::new(consent) })
}
