//! The consents of a project and their groups.

mod edit;
mod group;
mod list;
mod show;

use axum::Router;
use axum::routing::get;

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/consents", get(list::handle))
        .route("/_emulator/console/projects/{project}/consents/{id}", get(show::handle))
        .route("/_emulator/console/projects/{project}/consents/{id}/edit", get(edit::edit).post(edit::update))
        .route(
            "/_emulator/console/projects/{project}/consents/{id}/delete",
            get(edit::confirm_delete).post(edit::delete),
        )
        // Outside of the list, because a consent can have any id.
        .route("/_emulator/console/projects/{project}/new-consent", get(edit::new).post(edit::create))
        .route("/_emulator/console/projects/{project}/new-consent-group", get(group::new).post(group::create))
        .route("/_emulator/console/projects/{project}/consent-groups/{id}/edit", get(group::edit).post(group::update))
        .route(
            "/_emulator/console/projects/{project}/consent-groups/{id}/delete",
            get(group::confirm_delete).post(group::delete),
        )
}
