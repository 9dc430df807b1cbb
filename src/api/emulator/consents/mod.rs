//! `/_emulator/consents` and `/_emulator/consent-groups`: what the vendor's dashboard does, for the project of the keys.

mod define;
mod define_group;
mod delete;
mod delete_group;

use crate::domain::identifier::Identifier;
use crate::domain::limits::TEXT_CHARS;
use crate::http::{ApiError, Routes, delete, put};

/// The routes of this folder.
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

/// The id that `thing` is to have.
fn new_id(id: &Identifier, thing: &str) -> Result<String, ApiError> {
    let id = id.as_str();
    if id.is_empty() || id.contains('\0') || id.chars().count() > TEXT_CHARS {
        let details = format!("A {thing} id must have 1 to {TEXT_CHARS} characters and no U+0000");
        return Err(ApiError::invalid_payload(details));
    }
    Ok(id.to_owned())
}
