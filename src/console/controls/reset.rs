use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::json;

use super::control::{self, Control, attempt};
use super::object_counts;
use crate::console::components::{Field, FormView, Table};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::page::{RawQuery, redirect};
use crate::console::project::Project;
use crate::service::reset::Kept;

/// What can be kept: the name in the API, its text, and the counted kinds that it contains.
const CHOICES: [(&str, &str, &[&str]); 4] = [
    ("schemas", "Metadata schemas and custom event schemas", &["metadata_schemas", "event_schemas"]),
    ("segments", "Segments", &["segments"]),
    ("consents", "Consents and consent groups", &["consents", "consent_groups"]),
    ("webhooks", "Webhooks and distributions", &["webhooks"]),
];
const _: () = assert!(CHOICES.len() == Kept::NAMES.len());

#[derive(Template)]
#[template(path = "controls/reset.html")]
struct Reset<'a> {
    action: String,
    choices: &'a [(&'a str, &'a str, &'a [&'a str])],
}

#[derive(Template)]
#[template(path = "controls/reset_confirm.html")]
struct Confirm {
    removed: Option<Table>,
    kept: Vec<&'static str>,
    form: FormView,
}

/// GET /_emulator/console/projects/{project}/controls/reset
pub async fn show(project: Project) -> Result<Response, PageError> {
    let content = Reset { action: format!("{}/confirm", Control::Reset.link(&project)), choices: &CHOICES };
    control::page(&project, Control::Reset, false, &content)
}

/// GET /_emulator/console/projects/{project}/controls/reset/confirm
///
/// Query parameters: `keep-` with the name of what is kept.
pub async fn confirm(project: Project, query: RawQuery) -> Result<Response, PageError> {
    confirm_page(&project, |name| !query.text(&format!("keep-{name}")).is_empty(), None).await
}

/// POST /_emulator/console/projects/{project}/controls/reset/confirm
pub async fn reset(project: Project, form: Form) -> Result<Response, PageError> {
    let is_kept = |name: &str| !form.text(&format!("keep-{name}")).is_empty();
    let names: Vec<_> = CHOICES.iter().map(|(name, ..)| *name).filter(|name| is_kept(name)).collect();
    match attempt(&project, Method::POST, "/_emulator/reset", Some(&json!({"keep": names}))).await? {
        Ok(_) => Ok(redirect(&Control::Reset.link(&project), "project-reset")),
        Err(error) => confirm_page(&project, is_kept, Some(error)).await,
    }
}

async fn confirm_page(
    project: &Project,
    is_kept: impl Fn(&str) -> bool,
    error: Option<String>,
) -> Result<Response, PageError> {
    let kept: Vec<_> = CHOICES.iter().filter(|(name, ..)| is_kept(name)).collect();
    let kinds: Vec<_> = kept.iter().flat_map(|(_, _, kinds)| kinds.iter().copied()).collect();
    let counts = object_counts::of_project(project).await?;
    let link = Control::Reset.link(project);
    let fields = kept.iter().map(|(name, ..)| Field::hidden(&format!("keep-{name}"), "on")).collect();
    let is_refused = error.is_some();
    let form = FormView::new(&project.visit.session, format!("{link}/confirm"), "Reset the project", fields);
    let content = Confirm {
        removed: object_counts::bounded_table("Objects that will be removed", &counts, &kinds),
        kept: kept.iter().map(|(_, text, _)| *text).collect(),
        form: form.dangerous().or_back_to(link).refused(error),
    };
    control::page_below(project, Control::Reset, "Reset the project", is_refused, &content)
}
