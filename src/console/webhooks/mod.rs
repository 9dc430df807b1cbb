//! The webhooks of a project, and their deliveries.

mod activate;
mod create;
mod delete;
mod deliveries;
mod delivery;
mod list;
mod replay;
mod show;
mod target;

use axum::Router;
use axum::routing::{get, post};

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/webhooks", get(list::handle))
        .route("/_emulator/console/projects/{project}/webhooks/new", get(create::new).post(create::create))
        .route("/_emulator/console/projects/{project}/webhooks/{id}", get(show::handle))
        .route("/_emulator/console/projects/{project}/webhooks/{id}/active", post(activate::handle))
        .route("/_emulator/console/projects/{project}/webhooks/{id}/delete", get(delete::confirm).post(delete::delete))
        .route("/_emulator/console/projects/{project}/webhooks/deliveries/{id}", get(delivery::handle))
        .route("/_emulator/console/projects/{project}/webhooks/deliveries/{id}/replay", post(replay::handle))
}
