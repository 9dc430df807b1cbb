use askama::Template;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::json;

use crate::console::components::{Cell, Definitions};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::link::{encoded, with_query};
use crate::console::page::{Page, RawQuery};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(path = "keys/created.html")]
struct Created {
    details: Definitions,
    headers: String,
    back: String,
}

/// POST /_emulator/console/projects/{project}/keys
pub async fn create(project: Project, form: Form) -> Result<Response, PageError> {
    let body = json!({"family": form.text("family")});
    let key = project.send(Method::POST, "/_emulator/keys", Some(&body)).await?;
    let (family, id, token) = (text(&key, "/family"), text(&key, "/app_id"), text(&key, "/app_token"));
    project.console.created_tokens.insert(created_key(&project, &family, &id), token);
    let page = project.link(&format!("/keys/{}/created", encoded(&id)));
    Ok(Redirect::to(&with_query(&page, &[("family", &family)])).into_response())
}

/// GET /_emulator/console/projects/{project}/keys/{id}/created
///
/// Query parameter: `family`. Shows the token of a new key once; the list of keys takes its place from then on.
pub async fn created(project: Project, ItemId(id): ItemId, query: RawQuery) -> Result<Response, PageError> {
    let family = query.text("family");
    let Some(token) = project.console.created_tokens.remove(&created_key(&project, &family, &id)) else {
        return Ok(Redirect::to(&project.link("/keys")).into_response());
    };
    let (id_header, token_header) = match family.as_str() {
        "client" => ("X-Client-Application-Id", "X-Client-Token"),
        _ => ("X-App-Id", "X-App-Token"),
    };
    let content = Created {
        headers: format!("{id_header}: {id}\n{token_header}: {token}"),
        details: Definitions::new([
            ("Family", Cell::text(family)),
            ("Id", Cell::code(id)),
            ("Token", Cell::code(token)),
        ]),
        back: project.link("/keys"),
    };
    let page = Page::new("A new pair of keys").below(project.link(""), "Overview").below(project.link("/keys"), "Keys");
    project.page(Section::Overview, page, &content)
}

/// Returns the name under which the token of a new key is kept until the session that has created it sees it.
fn created_key(project: &Project, family: &str, id: &str) -> String {
    format!("{} {} {family} {id}", project.visit.session.form_token, project.overview.public_id)
}
