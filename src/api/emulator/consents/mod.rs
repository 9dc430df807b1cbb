//! `/_emulator/consents` and `/_emulator/consent-groups`: the definition of consents, which the vendor has only in
//! its dashboard. They belong to the project of the server key.

pub(super) mod define;
pub(super) mod define_group;
mod delete;
mod delete_group;
mod id;

use crate::http::{Routes, delete, put};

/// Returns the routes of this folder.
pub(super) fn routes() -> Routes {
    Routes::default()
        .at(
            "/_emulator/consents/{consentId}",
            [put("emulator-define-consent", define::handle), delete("emulator-delete-consent", delete::handle)],
        )
        .at(
            "/_emulator/consent-groups/{groupId}",
            [
                put("emulator-define-consent-group", define_group::handle),
                delete("emulator-delete-consent-group", delete_group::handle),
            ],
        )
}
