use askama::Template;
use axum::http::Method;
use axum::response::Response;

use super::control::{self, Control};
use crate::console::error::{PageError, is_correctable};
use crate::console::page::redirect;
use crate::console::project::Project;
use crate::console::upload::Upload;

#[derive(Template)]
#[template(path = "controls/state.html")]
struct State<'a> {
    action: String,
    document: String,
    form_token: &'a str,
    error: Option<String>,
    mode: &'a str,
    command: String,
}

/// GET /_emulator/console/projects/{project}/controls/state
pub async fn show(project: Project) -> Result<Response, PageError> {
    page(&project, "", None)
}

/// GET /_emulator/console/projects/{project}/controls/state/document
pub async fn download(project: Project) -> Result<Response, PageError> {
    project.download("/_emulator/state", "state.json").await
}

/// POST /_emulator/console/projects/{project}/controls/state/load
pub async fn load(project: Project, mut upload: Upload) -> Result<Response, PageError> {
    let mode = upload.text("mode").await?;
    let method = if mode == "add" { Method::POST } else { Method::PUT };
    let loaded = upload.file("document", |body| project.send_body(method, "/_emulator/state", body)).await?;
    match loaded {
        Ok(_) => Ok(redirect(&Control::State.link(&project), "state-loaded")),
        Err(error) if is_correctable(&error) => page(&project, &mode, Some(error.text().into_owned())),
        Err(error) => Err(error.into()),
    }
}

fn page(project: &Project, mode: &str, error: Option<String>) -> Result<Response, PageError> {
    let link = Control::State.link(project);
    let is_refused = error.is_some();
    let content = State {
        action: format!("{link}/load"),
        document: format!("{link}/document"),
        form_token: &project.visit.session.form_token,
        error,
        mode,
        command: project.command("/_emulator/state", ""),
    };
    control::page(project, Control::State, is_refused, &content)
}
