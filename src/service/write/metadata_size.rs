//! The limit of the size of metadata.

use crate::domain::json::JsonText;
use crate::domain::limits;
use crate::service::Error;

/// Checks the size of metadata as it will be stored.
///
/// # Errors
/// Returns [`Error::Invalid`] when it is too large.
pub fn check_metadata_size(metadata: Option<&JsonText>) -> Result<(), Error> {
    if metadata.is_none_or(|metadata| metadata.as_str().len() <= limits::METADATA_BYTES) {
        return Ok(());
    }
    let details = format!("Property .metadata must NOT be larger than {} bytes", limits::METADATA_BYTES);
    Err(Error::Invalid { details })
}
