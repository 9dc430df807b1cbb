//! The name of a snapshot in the path.

use crate::domain::identifier::Identifier;
use crate::domain::snapshot::is_name;
use crate::http::ApiError;

/// Returns the name.
///
/// # Errors
/// Returns 400 when no snapshot may have that name.
pub(super) fn parse(name: &Identifier) -> Result<&str, ApiError> {
    let name = name.as_str();
    if is_name(name) {
        return Ok(name);
    }
    Err(ApiError::invalid_payload("The name of a snapshot must have 1 to 64 of the characters A-Z a-z 0-9 . _ -"))
}
