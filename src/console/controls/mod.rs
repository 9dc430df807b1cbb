//! What controls a project: its clock, identifiers, faults, snapshots and state, and the checks after deletions. Each page says what its
//! control does, and calls the operations of the control plane.

mod clock;
mod control;
mod erasure;
mod fault_form;
mod faults;
mod ids;
mod list;
mod object_counts;
mod reset;
mod snapshots;
mod state;
mod strict;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use super::state::ConsoleState;

pub fn routes() -> Router<ConsoleState> {
    Router::new()
        .route("/_emulator/console/projects/{project}/controls", get(list::handle))
        .route("/_emulator/console/projects/{project}/controls/clock", get(clock::show).post(clock::change))
        .route("/_emulator/console/projects/{project}/controls/ids", get(ids::show).post(ids::change))
        .route("/_emulator/console/projects/{project}/controls/faults", get(faults::list))
        .route("/_emulator/console/projects/{project}/controls/faults/new", get(faults::new).post(faults::create))
        .route("/_emulator/console/projects/{project}/controls/faults/delete", post(faults::delete_all))
        .route("/_emulator/console/projects/{project}/controls/faults/{id}/delete", post(faults::delete))
        .route("/_emulator/console/projects/{project}/controls/snapshots", get(snapshots::list).post(snapshots::create))
        .route(
            "/_emulator/console/projects/{project}/controls/snapshots/{id}/restore",
            get(snapshots::confirm_restore).post(snapshots::restore),
        )
        .route(
            "/_emulator/console/projects/{project}/controls/snapshots/{id}/delete",
            get(snapshots::confirm_delete).post(snapshots::delete),
        )
        .route("/_emulator/console/projects/{project}/controls/reset", get(reset::show))
        .route("/_emulator/console/projects/{project}/controls/reset/confirm", get(reset::confirm).post(reset::reset))
        .route("/_emulator/console/projects/{project}/controls/state", get(state::show))
        .route(
            super::upload::STATE_ROUTE,
            // The operation that reads the document limits its size.
            post(state::load).layer(DefaultBodyLimit::disable()),
        )
        .route("/_emulator/console/projects/{project}/controls/state/document", get(state::download))
        .route("/_emulator/console/projects/{project}/controls/strict", get(strict::show).post(strict::change))
        .route("/_emulator/console/projects/{project}/controls/erasure", get(erasure::show).post(erasure::check))
}
