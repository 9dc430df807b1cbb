//! The console: pages for people at `/_emulator/console`.
//!
//! A page is a folder: its handlers, and its templates (`*.html`) beside them. A handler reads through `project::Project`, which calls the
//! operations of the API in this process, fills a template, and returns a page. A form is sent with POST, and is answered with a redirect
//! to a page that shows the result, or with the form and the error beside it. Every page works without scripts.
//!
//! `frame` runs around every page: it checks the session, the sign-in and the token of forms, and adds the headers that protect the user.

mod assets;
mod components;
mod consents;
mod controls;
mod customers;
mod dashboard;
mod docs;
mod error;
mod events;
mod exports;
mod form;
mod frame;
mod jobs;
mod keys;
mod layout;
mod link;
mod metadata_schemas;
mod orders;
mod page;
mod project;
mod projects;
mod protection;
mod requests;
mod section;
mod segments;
mod session;
mod sign_in;
mod state;
mod theme;
mod theme_choice;
mod upload;
mod view;
mod webhooks;

use axum::Router;
use axum::middleware;

use crate::http::state::AppState;

pub use link::PATH;
pub use state::{ConsoleAccess, KnownKey};

use state::Console;

/// Returns the router of the console.
pub fn router(app: AppState, access: ConsoleAccess) -> Router {
    let state = Console::new(app, access);
    let pages = Router::new()
        .merge(projects::routes())
        .merge(keys::routes())
        .merge(customers::routes())
        .merge(orders::routes())
        .merge(events::routes())
        .merge(segments::routes())
        .merge(metadata_schemas::routes())
        .merge(consents::routes())
        .merge(requests::routes())
        .merge(webhooks::routes())
        .merge(jobs::routes())
        .merge(exports::routes())
        .merge(controls::routes())
        .merge(docs::console_routes())
        .merge(sign_in::routes())
        .merge(theme_choice::routes())
        .merge(error::routes())
        .layer(middleware::from_fn_with_state(state.clone(), frame::handle))
        .with_state(state);
    pages.merge(assets::routes()).merge(docs::routes())
}
