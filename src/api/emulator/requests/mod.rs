//! `/_emulator/requests`: the request log of the project of the server key.

mod clear;
mod count;
mod filter;
mod get;
mod list;
mod stream;

use crate::http::{Routes, delete, get};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at(
            "/_emulator/requests",
            [get("emulator-list-requests", list::handle), delete("emulator-clear-requests", clear::handle)],
        )
        .at("/_emulator/requests/count", [get("emulator-count-requests", count::handle)])
        .at("/_emulator/requests/stream", [get("emulator-stream-requests", stream::handle).not_json()])
        .at("/_emulator/requests/{requestId}", [get("emulator-get-request", get::handle)])
}
