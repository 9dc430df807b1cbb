//! The metadata schemas and the custom event schemas of a project.

mod list;
mod show;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/metadata-schemas", get(list::handle))
        .route("/_emulator/console/projects/{project}/metadata-schemas/{id}", get(show::handle))
        .route("/_emulator/console/projects/{project}/event-schemas/{id}", get(show::event_schema))
}
