//! The segments of a project.

mod create;
mod delete;
mod filter_form;
mod filter_words;
mod list;
mod show;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/segments", get(list::handle))
        .route("/_emulator/console/projects/{project}/segments/new", get(create::new).post(create::create))
        .route("/_emulator/console/projects/{project}/segments/{id}", get(show::handle))
        .route("/_emulator/console/projects/{project}/segments/{id}/delete", get(delete::confirm).post(delete::delete))
}
