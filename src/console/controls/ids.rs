use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::json;

use super::control::{self, Control, attempt, unknown_action};
use crate::console::components::{Cell, Definitions};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::page::redirect;
use crate::console::project::Project;
use crate::console::view::text;

#[derive(Template)]
#[template(path = "controls/ids.html")]
struct Ids<'a> {
    state: Definitions,
    is_seeded: bool,
    action: String,
    form_token: &'a str,
    error: Option<String>,
    seed: &'a str,
}

/// GET /_emulator/console/projects/{project}/controls/ids
pub async fn show(project: Project) -> Result<Response, PageError> {
    page(&project, &Form::default(), None).await
}

/// POST /_emulator/console/projects/{project}/controls/ids
pub async fn change(project: Project, form: Form) -> Result<Response, PageError> {
    let changed = match form.text("action") {
        "seed" => attempt(&project, Method::PUT, "/_emulator/ids", Some(&json!({"seed": form.text("seed")}))).await?,
        "random" => attempt(&project, Method::DELETE, "/_emulator/ids", None).await?,
        _ => return Err(unknown_action()),
    };
    match changed {
        Ok(_) => Ok(redirect(&Control::Ids.link(&project), "ids-changed")),
        Err(error) => page(&project, &form, Some(error)).await,
    }
}

async fn page(project: &Project, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let ids = project.get("/_emulator/ids").await?;
    let is_seeded = text(&ids, "/mode") == "seeded";
    let is_refused = error.is_some();
    let content = Ids {
        state: Definitions::new([
            ("Mode", Cell::badge(text(&ids, "/mode"), if is_seeded { "busy" } else { "" })),
            ("Seed", Cell::text(text(&ids, "/seed"))),
        ]),
        is_seeded,
        action: Control::Ids.link(project),
        form_token: &project.visit.session.form_token,
        error,
        seed: form.text("seed"),
    };
    control::page(project, Control::Ids, is_refused, &content)
}
