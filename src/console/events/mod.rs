//! The custom events of a project.

mod list;
mod show;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/events", get(list::handle))
        .route("/_emulator/console/projects/{project}/events/{id}", get(show::handle))
}
