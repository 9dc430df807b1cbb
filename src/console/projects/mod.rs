//! The projects: their list, and what each holds.

mod list;
mod show;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console", get(list::handle))
        .route("/_emulator/console/projects/{project}", get(show::handle))
}
