//! The orders of a project.

mod list;
mod show;
pub(super) mod table;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/orders", get(list::handle))
        .route("/_emulator/console/projects/{project}/orders/{id}", get(show::handle))
}
