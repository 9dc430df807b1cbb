//! The async actions of a project.

mod list;
mod report;
mod show;
pub(super) mod tabs;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/jobs", get(list::handle))
        .route("/_emulator/console/projects/{project}/jobs/{id}", get(show::handle))
        .route("/_emulator/console/projects/{project}/jobs/{id}/report", get(report::handle))
}
