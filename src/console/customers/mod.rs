//! The customers of a project.

mod consents;
mod delete;
mod edit;
mod erase;
mod fields;
mod filter;
pub(super) mod list;
mod search;
mod show;
mod tabs;
mod timeline;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/customers", get(list::handle))
        .route("/_emulator/console/projects/{project}/customers/search", get(search::handle))
        .route("/_emulator/console/projects/{project}/customers/filter", get(filter::handle))
        .route("/_emulator/console/projects/{project}/customers/new", get(edit::new).post(edit::create))
        .route("/_emulator/console/projects/{project}/customers/{id}", get(show::handle))
        .route("/_emulator/console/projects/{project}/customers/{id}/timeline", get(timeline::handle))
        .route(
            "/_emulator/console/projects/{project}/customers/{id}/consents",
            get(consents::show).post(consents::change),
        )
        .route("/_emulator/console/projects/{project}/customers/{id}/edit", get(edit::edit).post(edit::update))
        .route("/_emulator/console/projects/{project}/customers/{id}/delete", get(delete::confirm).post(delete::delete))
        .route("/_emulator/console/projects/{project}/customers/{id}/erase", get(erase::confirm).post(erase::erase))
        .route("/_emulator/console/projects/{project}/erasures/{id}", get(erase::result))
}
