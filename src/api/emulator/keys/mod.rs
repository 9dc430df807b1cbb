//! `/_emulator/keys`: the keys of the project of the server key, which the vendor manages in its dashboard. OAuth
//! tokens are not accepted.

mod create;
mod list;
mod revoke;

use crate::http::{Routes, delete, get, post};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at("/_emulator/keys", [get("emulator-list-keys", list::handle), post("emulator-create-key", create::handle)])
        .at("/_emulator/keys/{family}/{appId}", [delete("emulator-revoke-key", revoke::handle)])
}
