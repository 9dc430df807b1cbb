use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::service::{Caller, Error, Resource};

/// DELETE /v1/trash-bin/{binEntryId} (delete-bin-entry)
///
/// Always returns 404, because the trash bin is empty.
pub async fn handle(_: Caller, Id(id): Id) -> ApiError {
    Error::not_found(Resource::BinEntry, id.as_str()).into()
}
