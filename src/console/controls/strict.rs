use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::json;

use super::control::{self, Control, unknown_action};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::page::redirect;
use crate::console::project::Project;

#[derive(Template)]
#[template(path = "controls/strict.html")]
struct Strict<'a> {
    is_on: bool,
    /// Whether an option of the emulator turns it on for all projects.
    is_for_all: bool,
    action: String,
    form_token: &'a str,
}

/// GET /_emulator/console/projects/{project}/controls/strict
pub async fn show(project: Project) -> Result<Response, PageError> {
    let content = Strict {
        is_on: project.overview.control.is_strict,
        is_for_all: project.console.app.is_strict,
        action: Control::Strict.link(&project),
        form_token: &project.visit.session.form_token,
    };
    control::page(&project, Control::Strict, false, &content)
}

/// POST /_emulator/console/projects/{project}/controls/strict
pub async fn change(project: Project, form: Form) -> Result<Response, PageError> {
    let is_on = match form.text("strict") {
        "on" => true,
        "off" => false,
        _ => return Err(unknown_action()),
    };
    project.send(Method::PUT, "/_emulator/project", Some(&json!({"strict": is_on}))).await?;
    let notice = if is_on { "strict-on" } else { "strict-off" };
    Ok(redirect(&Control::Strict.link(&project), notice))
}
