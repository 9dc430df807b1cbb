//! The groups of consents.

use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use crate::console::components::{Field, FormPage, FormView};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{items, text};

/// GET /_emulator/console/projects/{project}/new-consent-group
pub async fn new(project: Project) -> Result<Response, PageError> {
    new_page(&project, &Form::default(), None)
}

/// POST /_emulator/console/projects/{project}/new-consent-group
pub async fn create(project: Project, form: Form) -> Result<Response, PageError> {
    let id = form.text("id").trim();
    if find(&project, id).await.is_ok() {
        return new_page(&project, &form, Some(format!("There is a group {id} already.")));
    }
    match define(&project, id, &form).await? {
        None => Ok(redirect(&project.section_link(Section::Consents), "group-saved")),
        error => new_page(&project, &form, error),
    }
}

fn new_page(project: &Project, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let mut fields = vec![Field::text("id", "Id", form.text("id")).hint("It cannot be changed.").required()];
    fields.extend(content_fields(|name| form.text(name).to_owned()));
    let list = project.section_link(Section::Consents);
    let action = project.link("/new-consent-group");
    let page = Page::new("Create a group of consents").below(&list, "Consents");
    let status = status_with(error.as_ref());
    let form = FormView::new(&project.visit.session, action, "Create the group", fields);
    project.page_with(status, Section::Consents, page, &FormPage::new("", form.or_back_to(list).refused(error)))
}

/// GET /_emulator/console/projects/{project}/consent-groups/{id}/edit
pub async fn edit(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let group = find(&project, &id).await?;
    let value = |name: &str| match name {
        "consents" => items(&group, "/consents").iter().map(|id| text(id, "")).collect::<Vec<_>>().join("\n"),
        _ => text(&group, &format!("/{name}")),
    };
    edit_page(&project, &id, content_fields(value), None)
}

/// POST /_emulator/console/projects/{project}/consent-groups/{id}/edit
pub async fn update(project: Project, ItemId(id): ItemId, form: Form) -> Result<Response, PageError> {
    // The operation would define an unknown group.
    find(&project, &id).await?;
    match define(&project, &id, &form).await? {
        None => Ok(redirect(&project.section_link(Section::Consents), "group-saved")),
        error => edit_page(&project, &id, content_fields(|name| form.text(name).to_owned()), error),
    }
}

fn edit_page(project: &Project, id: &str, fields: Vec<Field>, error: Option<String>) -> Result<Response, PageError> {
    let list = project.section_link(Section::Consents);
    let page = Page::new(format!("Edit the group {id}")).below(&list, "Consents");
    let status = status_with(error.as_ref());
    let form = FormView::new(&project.visit.session, format!("{}/edit", link(project, id)), "Save", fields);
    project.page_with(status, Section::Consents, page, &FormPage::new("", form.or_back_to(list).refused(error)))
}

fn content_fields(value: impl Fn(&str) -> String) -> Vec<Field> {
    vec![
        Field::text("name", "Name", value("name")).required(),
        Field::text("description", "Description", value("description")),
        Field::area("consents", "Ids of its consents, one in a line", value("consents"))
            .rows(5)
            .hint("Consents that are defined, in their order."),
    ]
}

/// Creates or replaces a group. Returns why it was refused.
async fn define(project: &Project, id: &str, form: &Form) -> Result<Option<String>, PageError> {
    if id.is_empty() {
        return Ok(Some("The group must have an id.".to_owned()));
    }
    let consents: Vec<_> = form.text("consents").lines().map(str::trim).filter(|id| !id.is_empty()).collect();
    let body = json!({"name": form.text("name").trim(), "description": form.text("description").trim(),
        "consents": consents});
    match project.send(Method::PUT, &format!("/_emulator/consent-groups/{}", encoded(id)), Some(&body)).await {
        Ok(_) => Ok(None),
        Err(error) if is_correctable(&error) => Ok(Some(error.text().into_owned())),
        Err(error) => Err(error.into()),
    }
}

async fn find(project: &Project, id: &str) -> Result<Value, PageError> {
    let lists = project.get("/v1/consents").await?;
    let found = items(&lists, "/groups/data").iter().find(|group| text(group, "/id") == id);
    found.cloned().ok_or_else(|| PageError::not_found("group of consents"))
}

fn link(project: &Project, id: &str) -> String {
    project.link(&format!("/consent-groups/{}", encoded(id)))
}

/// GET /_emulator/console/projects/{project}/consent-groups/{id}/delete
pub async fn confirm_delete(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let group = find(&project, &id).await?;
    let list = project.section_link(Section::Consents);
    let action = format!("{}/delete", link(&project, &id));
    let form = FormView::new(&project.visit.session, action, "Delete the group", Vec::new());
    let page = Page::new(format!("Delete the group {}", text(&group, "/name"))).below(&list, "Consents");
    let lead = "The group is removed. Its consents stay, with the decisions of the customers.";
    project.page(Section::Consents, page, &FormPage::new(lead, form.dangerous().or_back_to(list)))
}

/// POST /_emulator/console/projects/{project}/consent-groups/{id}/delete
pub async fn delete(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    project.send(Method::DELETE, &format!("/_emulator/consent-groups/{}", encoded(&id)), None).await?;
    Ok(redirect(&project.section_link(Section::Consents), "group-deleted"))
}
