use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::text;

const DEFAULT_EVENTS: &str = "customer.created\ncustomer.updated\ncustomer.deleted";

#[derive(Template)]
#[template(path = "webhooks/create.html")]
struct Create<'a> {
    action: String,
    cancel: String,
    form_token: &'a str,
    error: Option<String>,
    target: &'a str,
    kind: &'a str,
    name: &'a str,
    events: &'a str,
}

/// GET /_emulator/console/projects/{project}/webhooks/new
pub async fn new(project: Project) -> Result<Response, PageError> {
    page(&project, &Form::default(), None)
}

/// POST /_emulator/console/projects/{project}/webhooks/new
pub async fn create(project: Project, form: Form) -> Result<Response, PageError> {
    match project.send(Method::POST, "/_emulator/webhooks", Some(&new_webhook(&form))).await {
        Ok(webhook) => {
            let link = project.link(&format!("/webhooks/{}", encoded(&text(&webhook, "/id"))));
            Ok(redirect(&link, "webhook-created"))
        }
        Err(error) if is_correctable(&error) => page(&project, &form, Some(error.text().into_owned())),
        Err(error) => Err(error.into()),
    }
}

/// Returns the body of the call that the form stands for.
fn new_webhook(form: &Form) -> Value {
    let events: Vec<_> =
        form.text("events").split([',', '\n']).map(str::trim).filter(|event| !event.is_empty()).collect();
    let mut body = json!({"target_url": form.text("target").trim(), "events": events});
    if form.text("kind") == "distribution" {
        body["object"] = "distribution".into();
        body["name"] = form.text("name").trim().into();
    }
    body
}

fn page(project: &Project, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let status = status_with(error.as_ref());
    let list = project.section_link(Section::Webhooks);
    let content = Create {
        action: project.link("/webhooks/new"),
        cancel: list.clone(),
        form_token: &project.visit.session.form_token,
        events: if error.is_some() { form.text("events") } else { DEFAULT_EVENTS },
        error,
        target: form.text("target"),
        kind: form.text("kind"),
        name: form.text("name"),
    };
    project.page_with(status, Section::Webhooks, Page::new("Create a webhook").below(list, "Webhooks"), &content)
}
