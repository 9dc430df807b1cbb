//! `/_emulator/keys`: what the vendor's dashboard does, for the project of the keys. Tokens of OAuth do not open it.

mod create;
mod list;
mod revoke;

use crate::http::{Routes, delete, get, post};

/// The routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/keys", [get("emulator-list-keys", list::handle), post("emulator-create-key", create::handle)])
        .at("/_emulator/keys/{family}/{appId}", [delete("emulator-revoke-key", revoke::handle)])
}
