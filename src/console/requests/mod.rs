//! The requests in the request log of a project, live as they end.

mod body;
mod curl;
mod filter;
mod list;
mod row;
mod show;
mod stream;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/requests", get(list::handle))
        .route("/_emulator/console/projects/{project}/requests/stream", get(stream::handle))
        .route("/_emulator/console/projects/{project}/requests/{id}", get(show::handle))
}
