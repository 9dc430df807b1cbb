use askama::Template;
use axum::http::Method;
use axum::response::Response;

use super::filter_form::{self, ConditionRow, FIELDS, TYPES};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::text;
use crate::domain::filter::OPERATORS;

#[derive(Template)]
#[template(path = "segments/create.html")]
struct Create<'a> {
    action: String,
    cancel: String,
    form_token: &'a str,
    error: Option<String>,
    name: &'a str,
    kind: &'a str,
    kinds: &'a [(&'a str, &'a str)],
    junction: &'a str,
    rows: Vec<ConditionRow>,
    operators: &'a [&'a str],
    fields: &'a [&'a str],
    filter: &'a str,
    customers: &'a str,
}

/// GET /_emulator/console/projects/{project}/segments/new
pub async fn new(project: Project) -> Result<Response, PageError> {
    page(&project, &Form::default(), None)
}

/// POST /_emulator/console/projects/{project}/segments/new
pub async fn create(project: Project, form: Form) -> Result<Response, PageError> {
    let body = match filter_form::new_segment(&form) {
        Ok(body) => body,
        Err(error) => return page(&project, &form, Some(error)),
    };
    match project.send(Method::POST, "/v1/segments", Some(&body)).await {
        Ok(segment) => {
            let link = project.link(&format!("/segments/{}", encoded(&text(&segment, "/id"))));
            Ok(redirect(&link, "segment-created"))
        }
        Err(error) if is_correctable(&error) => page(&project, &form, Some(error.text().into_owned())),
        Err(error) => Err(error.into()),
    }
}

fn page(project: &Project, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let status = status_with(error.as_ref());
    let list = project.section_link(Section::Segments);
    let content = Create {
        action: project.link("/segments/new"),
        cancel: list.clone(),
        form_token: &project.visit.session.form_token,
        error,
        name: form.text("name"),
        kind: form.text("type"),
        kinds: &TYPES,
        junction: form.text("junction"),
        rows: filter_form::rows(form),
        operators: &OPERATORS,
        fields: &FIELDS,
        filter: form.text("filter"),
        customers: form.text("customers"),
    };
    project.page_with(status, Section::Segments, Page::new("Create a segment").below(list, "Segments"), &content)
}
