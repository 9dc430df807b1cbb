use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::console::components::{Cell, Empty, Table};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::Page;
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{items, text};

#[derive(Template)]
#[template(path = "consents/list.html")]
struct Definitions {
    consents: Option<Table>,
    groups: Option<Table>,
    empty: Empty,
}

/// GET /_emulator/console/projects/{project}/consents
pub async fn handle(project: Project) -> Result<Response, PageError> {
    let lists = project.get("/v1/consents").await?;
    let consent_row = |consent: &Value| {
        let id = text(consent, "/id");
        let name = text(consent, "/name");
        let name = if name.is_empty() { id.clone() } else { name };
        vec![
            Cell::text(name).to(project.link(&format!("/consents/{}", encoded(&id)))),
            Cell::code(id),
            Cell::text(text(consent, "/category")),
            Cell::time(text(consent, "/created_at")),
        ]
    };
    let group_row = |group: &Value| {
        let members: Vec<_> = items(group, "/consents").iter().map(|id| text(id, "")).collect();
        let id = text(group, "/id");
        let link = project.link(&format!("/consent-groups/{}", encoded(&id)));
        let name = Some(text(group, "/name")).filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone());
        vec![
            Cell::text(name).to(format!("{link}/edit")),
            Cell::code(id),
            Cell::text(members.join(", ")),
            Cell::confirmed("Delete", format!("{link}/delete")),
        ]
    };
    let consents: Vec<_> = items(&lists, "/consents/data").iter().map(consent_row).collect();
    let groups: Vec<_> = items(&lists, "/groups/data").iter().map(group_row).collect();
    let body = r#"{"name": "Newsletter", "category": "MARKETING"}"#;
    let content = Definitions {
        consents: (!consents.is_empty()).then(|| Table {
            caption: "Consents",
            columns: vec!["Name", "Id", "Category", "Created"],
            rows: consents,
        }),
        groups: (!groups.is_empty()).then(|| Table {
            caption: "Groups of consents",
            columns: vec!["Name", "Id", "Consents", "Delete"],
            rows: groups,
        }),
        empty: Empty {
            text: "There are no consents yet. Create one with the button above, or with this call:".to_owned(),
            command: project.command("/_emulator/consents/newsletter -X PUT", body),
        },
    };
    let page = Page::new("Consents")
        .action(project.link("/new-consent"), "Create a consent")
        .action(project.link("/new-consent-group"), "Create a group");
    project.page(Section::Consents, page, &content)
}
