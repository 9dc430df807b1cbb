//! The consents of a project and their groups.

mod list;
mod show;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/consents", get(list::handle))
        .route("/_emulator/console/projects/{project}/consents/{id}", get(show::handle))
}
