//! The exports of a project.

mod file;
mod list;
mod show;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/exports", get(list::handle))
        .route("/_emulator/console/projects/{project}/exports/{id}", get(show::handle))
        .route("/_emulator/console/projects/{project}/exports/{id}/file", get(file::handle))
}
