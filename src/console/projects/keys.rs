use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::console::components::{Cell, Row, Table};
use crate::console::error::PageError;
use crate::console::page::Page;
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::state::ConsoleAccess;
use crate::console::view::{items, text};

#[derive(Template)]
#[template(path = "projects/keys.html")]
struct Keys {
    table: Table,
    is_empty: bool,
}

/// GET /_emulator/console/projects/{project}/keys
pub async fn handle(project: Project) -> Result<Response, PageError> {
    let keys = project.get("/_emulator/keys").await?;
    let rows: Vec<_> = items(&keys, "/data").iter().map(|key| row(key, &project.console.access)).collect();
    let is_empty = rows.is_empty();
    let table = Table { caption: "Keys", columns: vec!["Family", "Id", "Token", "Created"], rows };
    let page = Page::new("Keys").below(project.link(""), "Overview");
    project.page(Section::Overview, page, &Keys { table, is_empty })
}

fn row(key: &Value, access: &ConsoleAccess) -> Row {
    let (family, id) = (text(key, "/family"), text(key, "/app_id"));
    let known = match family.as_str() {
        "server" => Some(&access.server),
        "client" => Some(&access.client),
        _ => None,
    };
    let token = match known.filter(|known| known.id == id) {
        Some(known) => Cell::code(&known.token),
        None if text(key, "/provisioned") == "true" => Cell::text("cannot be shown: the token of the first request"),
        None => Cell::text("cannot be shown: it was shown when the key was created"),
    };
    vec![Cell::text(family), Cell::code(id), token, Cell::time(text(key, "/created_at"))]
}
