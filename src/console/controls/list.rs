use askama::Template;
use axum::response::Response;

use super::control::Control;
use crate::console::components::Cell;
use crate::console::error::PageError;
use crate::console::link::Link;
use crate::console::page::Page;
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{self, integer, items, text};

#[derive(Template)]
#[template(path = "controls/list.html")]
struct List {
    controls: Vec<Entry>,
}

/// A control with its present state.
struct Entry {
    link: Link,
    what: &'static str,
    state: Cell,
}

/// GET /_emulator/console/projects/{project}/controls
pub async fn handle(project: Project) -> Result<Response, PageError> {
    let mut controls = Vec::new();
    for control in Control::ALL {
        let state = state_of(&project, control).await?;
        let link = Link::new(control.link(&project), control.title());
        controls.push(Entry { link, what: control.what(), state });
    }
    project.page(Section::Controls, Page::new("Controls").below(project.link(""), "Overview"), &List { controls })
}

/// Returns the state of a control in a few words; nothing for one without a state.
async fn state_of(project: &Project, control: Control) -> Result<Cell, PageError> {
    Ok(match control {
        Control::Clock => {
            let clock = project.get("/_emulator/clock").await?;
            let mode = text(&clock, "/mode");
            let tone = if mode == "real" { "" } else { "busy" };
            Cell::badge(format!("{mode}, {}", text(&clock, "/now")), tone)
        }
        Control::Ids => {
            let mode = text(&project.get("/_emulator/ids").await?, "/mode");
            let tone = if mode == "random" { "" } else { "busy" };
            Cell::badge(mode, tone)
        }
        Control::Faults => {
            let number = items(&project.get("/_emulator/faults").await?, "/data").len();
            let tone = if number == 0 { "" } else { "bad" };
            Cell::badge(view::count(i64::try_from(number).unwrap_or(i64::MAX), "fault", "faults"), tone)
        }
        Control::Snapshots => {
            let total = integer(&project.get("/_emulator/snapshots").await?, "/total");
            Cell::badge(view::count(total, "snapshot", "snapshots"), "")
        }
        Control::Strict => {
            let is_strict = project.overview.control.is_strict || project.console.app.is_strict;
            Cell::badge(if is_strict { "on" } else { "off" }, if is_strict { "busy" } else { "" })
        }
        Control::Erasure => {
            let total = integer(&project.get("/_emulator/permanent-deletions?limit=1").await?, "/total");
            Cell::badge(view::count(total, "permanent deletion", "permanent deletions"), "")
        }
        Control::State | Control::Reset => Cell::default(),
    })
}
