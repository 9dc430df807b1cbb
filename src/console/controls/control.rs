//! The controls, and what their pages have in common.

use askama::Template;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::Value;

use crate::console::components::Tabs;
use crate::console::error::{PageError, is_correctable};
use crate::console::link::Link;
use crate::console::page::Page;
use crate::console::project::Project;
use crate::console::section::Section;

/// A control of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    Clock,
    Ids,
    Faults,
    Snapshots,
    State,
    Reset,
    Strict,
    Erasure,
}

impl Control {
    /// All controls, in the order in which they are shown.
    pub const ALL: [Self; 8] =
        [Self::Clock, Self::Ids, Self::Faults, Self::Snapshots, Self::State, Self::Reset, Self::Strict, Self::Erasure];

    pub fn title(self) -> &'static str {
        match self {
            Self::Clock => "Clock",
            Self::Ids => "Identifiers",
            Self::Faults => "Faults",
            Self::Snapshots => "Snapshots",
            Self::State => "State",
            Self::Reset => "Reset",
            Self::Strict => "Strict mode",
            Self::Erasure => "Erasure",
        }
    }

    /// Returns what the control does, in one sentence.
    pub fn what(self) -> &'static str {
        match self {
            Self::Clock => {
                "Sets, stops or advances the time that the project shows; what falls due on the way happens."
            }
            Self::Ids => "Makes identifiers from a seed, so that the same calls get the same identifiers.",
            Self::Faults => "Makes calls of the API fail, wait or lose their connection.",
            Self::Snapshots => "Keeps the whole state of the project under a name, and restores it.",
            Self::State => "Saves the objects of the project as one JSON document, and loads such a document.",
            Self::Reset => "Empties the project and keeps its keys, settings and snapshots.",
            Self::Strict => "Refuses what the vendor ignores and the emulator forgives, such as unknown members.",
            Self::Erasure => "Searches what is left of a customer, and lists the permanent deletions.",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Clock => "/controls/clock",
            Self::Ids => "/controls/ids",
            Self::Faults => "/controls/faults",
            Self::Snapshots => "/controls/snapshots",
            Self::State => "/controls/state",
            Self::Reset => "/controls/reset",
            Self::Strict => "/controls/strict",
            Self::Erasure => "/controls/erasure",
        }
    }

    /// Returns the link to its first page.
    pub fn link(self, project: &Project) -> String {
        project.link(self.path())
    }
}

#[derive(Template)]
#[template(
    source = "{{ tabs }}{% if !what.is_empty() %}<p class=\"lead\">{{ what }}</p>{% endif %}{{ content|safe }}",
    ext = "html"
)]
struct Frame<'a> {
    tabs: Tabs,
    what: &'a str,
    content: &'a str,
}

/// Returns the first page of a control. It has the status 400 when it shows why a form was refused.
pub fn page(
    project: &Project,
    control: Control,
    is_refused: bool,
    content: &impl Template,
) -> Result<Response, PageError> {
    let page = Page::new(control.title()).below(project.section_link(Section::Controls), "Controls");
    let page = match control {
        Control::Faults => page.action(format!("{}/new", control.link(project)), "Create a fault"),
        _ => page,
    };
    show(project, control, control.what(), is_refused, page, content)
}

/// Returns another page of a control.
pub fn page_below(
    project: &Project,
    control: Control,
    title: impl Into<String>,
    is_refused: bool,
    content: &impl Template,
) -> Result<Response, PageError> {
    let page = Page::new(title)
        .below(project.section_link(Section::Controls), "Controls")
        .below(control.link(project), control.title());
    show(project, control, "", is_refused, page, content)
}

fn show(
    project: &Project,
    control: Control,
    what: &str,
    is_refused: bool,
    page: Page,
    content: &impl Template,
) -> Result<Response, PageError> {
    let links = Control::ALL.map(|one| (Link::new(one.link(project), one.title()), one == control));
    let tabs = Tabs { label: "Controls", links: links.into() };
    let status = if is_refused { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let content = content.render()?;
    project.page_with(status, Section::Controls, page, &Frame { tabs, what, content: &content })
}

/// Calls an operation with what a form contains. The inner error is one that the user can correct.
pub async fn attempt(
    project: &Project,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Result<Value, String>, PageError> {
    match project.send(method, path, body).await {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) if is_correctable(&error) => Ok(Err(error.text().into_owned())),
        Err(error) => Err(error.into()),
    }
}

/// Returns the error for a form whose field `action` has no known value.
pub fn unknown_action() -> PageError {
    PageError::new(StatusCode::BAD_REQUEST, "The form has no such action.")
}
