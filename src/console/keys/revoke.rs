use axum::http::Method;
use axum::response::Response;

use crate::console::components::{Field, FormPage, FormView};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::{Page, RawQuery, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{items, text};

/// GET /_emulator/console/projects/{project}/keys/{id}/revoke
///
/// Query parameter: `family`.
pub async fn confirm(project: Project, ItemId(id): ItemId, query: RawQuery) -> Result<Response, PageError> {
    let family = query.text("family");
    let keys = project.get("/_emulator/keys").await?;
    let is_key = |key: &serde_json::Value| text(key, "/app_id") == id && text(key, "/family") == family;
    if !items(&keys, "/data").iter().any(is_key) {
        return Err(PageError::not_found("key"));
    }
    let list = project.link("/keys");
    let action = format!("{list}/{}/revoke", encoded(&id));
    let lead = format!(
        "The {family} key {id} gives access to nothing from then on, and neither do its OAuth tokens. This cannot be undone: its id is \
         never accepted again."
    );
    let fields = vec![Field::hidden("family", &family)];
    let form = FormView::new(&project.visit.session, action, "Revoke the key", fields).dangerous().or_back_to(&list);
    let page = Page::new("Revoke a key").below(project.link(""), "Overview").below(list, "Keys");
    project.page(Section::Overview, page, &FormPage::new(lead, form))
}

/// POST /_emulator/console/projects/{project}/keys/{id}/revoke
pub async fn revoke(project: Project, ItemId(id): ItemId, form: Form) -> Result<Response, PageError> {
    let path = format!("/_emulator/keys/{}/{}", encoded(form.text("family")), encoded(&id));
    project.send(Method::DELETE, &path, None).await?;
    Ok(redirect(&project.link("/keys"), "key-revoked"))
}
