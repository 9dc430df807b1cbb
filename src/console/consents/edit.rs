use axum::http::Method;
use axum::response::Response;
use serde_json::json;

use super::show::find;
use crate::console::components::{Field, FormPage, FormView};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

/// GET /_emulator/console/projects/{project}/new-consent
pub async fn new(project: Project) -> Result<Response, PageError> {
    new_page(&project, &Form::default(), None)
}

/// POST /_emulator/console/projects/{project}/new-consent
pub async fn create(project: Project, form: Form) -> Result<Response, PageError> {
    let id = form.text("id").trim();
    if find(&project, id).await.is_ok() {
        return new_page(&project, &form, Some(format!("There is a consent {id} already.")));
    }
    match define(&project, id, &form).await? {
        None => Ok(redirect(&link(&project, id), "consent-created")),
        error => new_page(&project, &form, error),
    }
}

fn new_page(project: &Project, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let id = Field::text("id", "Id", form.text("id")).hint("What calls name the consent by. It cannot be changed.");
    let mut fields = vec![id.required()];
    fields.extend(content_fields(|name| form.text(name).to_owned()));
    let list = project.section_link(Section::Consents);
    let action = project.link("/new-consent");
    let page = Page::new("Create a consent").below(&list, "Consents");
    let status = status_with(error.as_ref());
    let form = FormView::new(&project.visit.session, action, "Create the consent", fields);
    project.page_with(status, Section::Consents, page, &FormPage::new("", form.or_back_to(list).refused(error)))
}

/// GET /_emulator/console/projects/{project}/consents/{id}/edit
pub async fn edit(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let (consent, _) = find(&project, &id).await?;
    edit_page(&project, &id, content_fields(|name| text(&consent, &format!("/{name}"))), None)
}

/// POST /_emulator/console/projects/{project}/consents/{id}/edit
pub async fn update(project: Project, ItemId(id): ItemId, form: Form) -> Result<Response, PageError> {
    // The operation would define an unknown consent.
    find(&project, &id).await?;
    match define(&project, &id, &form).await? {
        None => Ok(redirect(&link(&project, &id), "consent-saved")),
        error => edit_page(&project, &id, content_fields(|name| form.text(name).to_owned()), error),
    }
}

fn edit_page(project: &Project, id: &str, fields: Vec<Field>, error: Option<String>) -> Result<Response, PageError> {
    let link = link(project, id);
    let page =
        Page::new(format!("Edit {id}")).below(project.section_link(Section::Consents), "Consents").below(&link, id);
    let status = status_with(error.as_ref());
    let form = FormView::new(&project.visit.session, format!("{link}/edit"), "Save", fields);
    project.page_with(status, Section::Consents, page, &FormPage::new("", form.or_back_to(link).refused(error)))
}

fn content_fields(value: impl Fn(&str) -> String) -> Vec<Field> {
    vec![
        Field::text("name", "Name", value("name")).required(),
        Field::text("category", "Category", value("category")).hint("For instance MARKETING."),
        Field::area("description", "Description", value("description")).rows(3),
    ]
}

/// Creates or replaces the definition of a consent. Returns why it was refused.
async fn define(project: &Project, id: &str, form: &Form) -> Result<Option<String>, PageError> {
    let body = json!({"name": form.text("name").trim(), "description": form.text("description").trim(),
        "category": form.text("category").trim()});
    if id.is_empty() {
        return Ok(Some("The consent must have an id.".to_owned()));
    }
    match project.send(Method::PUT, &format!("/_emulator/consents/{}", encoded(id)), Some(&body)).await {
        Ok(_) => Ok(None),
        Err(error) if is_correctable(&error) => Ok(Some(error.text().into_owned())),
        Err(error) => Err(error.into()),
    }
}

fn link(project: &Project, id: &str) -> String {
    project.link(&format!("/consents/{}", encoded(id)))
}

/// GET /_emulator/console/projects/{project}/consents/{id}/delete
pub async fn confirm_delete(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    find(&project, &id).await?;
    let link = link(&project, &id);
    let lead = "The consent is removed from its groups, and with it the decisions of all customers on it.";
    let form = FormView::new(&project.visit.session, format!("{link}/delete"), "Delete the consent", Vec::new());
    let page =
        Page::new(format!("Delete {id}")).below(project.section_link(Section::Consents), "Consents").below(&link, id);
    project.page(Section::Consents, page, &FormPage::new(lead, form.dangerous().or_back_to(link)))
}

/// POST /_emulator/console/projects/{project}/consents/{id}/delete
pub async fn delete(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    project.send(Method::DELETE, &format!("/_emulator/consents/{}", encoded(&id)), None).await?;
    Ok(redirect(&project.section_link(Section::Consents), "consent-deleted"))
}
