//! The two kinds of jobs, and their status.

use crate::console::components::{Cell, Tabs};
use crate::console::link::Link;
use crate::console::project::Project;

/// Returns the tabs of the lists. `current` is the path of one of them.
pub fn tabs(project: &Project, current: &str) -> Tabs {
    let tab = |path: &str, text: &str| (Link::new(project.link(path), text), path == current);
    Tabs { label: "Kinds of jobs", links: vec![tab("/jobs", "Async actions"), tab("/exports", "Exports")] }
}

/// Returns the status of a job.
pub fn status(status: &str) -> Cell {
    let tone = match status {
        "DONE" => "good",
        "FAILED" | "ERROR" => "bad",
        _ => "busy",
    };
    Cell::badge(status, tone)
}
