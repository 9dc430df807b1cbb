//! The keys of a project.

mod create;
mod list;
mod revoke;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/keys", get(list::handle).post(create::create))
        .route("/_emulator/console/projects/{project}/keys/{id}/created", get(create::created))
        .route("/_emulator/console/projects/{project}/keys/{id}/revoke", get(revoke::confirm).post(revoke::revoke))
}
