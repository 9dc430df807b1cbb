//! The metadata schemas and the custom event schemas of a project.

mod create;
mod delete;
mod key;
mod key_form;
mod kind;
mod list;
mod settings;
mod show;

use axum::routing::{get, post};
use axum::{Extension, Router};

use super::state::ConsoleState;
use kind::Kind;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/metadata-schemas", get(list::handle))
        .route("/_emulator/console/projects/{project}/metadata-schemas/{id}/settings", post(settings::change))
        .route("/_emulator/console/projects/{project}/metadata-schemas/{id}/key/purge", post(key::purge))
        .merge(routes_of(Kind::Metadata))
        .merge(routes_of(Kind::Event))
}

/// Returns the routes that both kinds of schemas have.
fn routes_of(kind: Kind) -> Router<ConsoleState> {
    let base = format!("/_emulator/console/projects/{{project}}{}", kind.path());
    Router::new()
        // The ids of schemas begin with `ms_`.
        .route(&format!("{base}/new"), get(create::new).post(create::create))
        .route(&format!("{base}/{{id}}"), get(show::handle))
        .route(&format!("{base}/{{id}}/delete"), get(delete::confirm).post(delete::delete))
        .route(&format!("{base}/{{id}}/key"), get(key::show).post(key::save))
        .route(&format!("{base}/{{id}}/key/remove"), post(key::remove))
        .layer(Extension(kind))
}
