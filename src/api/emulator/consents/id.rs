//! The ids of new consents and consent groups.

use crate::domain::identifier::Identifier;
use crate::domain::limits::TEXT_CHARS;
use crate::http::ApiError;

/// Returns the id from the path for a new object. `kind` names the object in the error.
///
/// # Errors
/// Returns 400 when the id is empty, too long or contains U+0000.
pub(super) fn validate(id: &Identifier, kind: &str) -> Result<String, ApiError> {
    let id = id.as_str();
    if id.is_empty() || id.contains('\0') || id.chars().count() > TEXT_CHARS {
        let details = format!("A {kind} id must have 1 to {TEXT_CHARS} characters and no U+0000");
        return Err(ApiError::invalid_payload(details));
    }
    Ok(id.to_owned())
}
