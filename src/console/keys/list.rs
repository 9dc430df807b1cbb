use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::console::components::{Cell, Row, Table};
use crate::console::error::PageError;
use crate::console::link::{encoded, with_query};
use crate::console::page::Page;
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{items, text};

#[derive(Template)]
#[template(path = "keys/list.html")]
struct Keys<'a> {
    table: Table,
    is_empty: bool,
    action: String,
    form_token: &'a str,
}

/// GET /_emulator/console/projects/{project}/keys
pub async fn handle(project: Project) -> Result<Response, PageError> {
    let keys = project.get("/_emulator/keys").await?;
    let rows: Vec<_> = items(&keys, "/data").iter().map(|key| row(&project, key)).collect();
    let is_empty = rows.is_empty();
    let table = Table { caption: "Keys", columns: vec!["Family", "Id", "Token", "Created", "Revoke"], rows };
    let page = Page::new("Keys").below(project.link(""), "Overview");
    let (action, form_token) = (project.link("/keys"), project.visit.session.form_token.as_str());
    project.page(Section::Overview, page, &Keys { table, is_empty, action, form_token })
}

fn row(project: &Project, key: &Value) -> Row {
    let access = &project.console.access;
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
    let revoke = with_query(&project.link(&format!("/keys/{}/revoke", encoded(&id))), &[("family", &family)]);
    let created = Cell::time(text(key, "/created_at"));
    vec![Cell::text(family), Cell::code(id), token, created, Cell::confirmed("Revoke", revoke)]
}
