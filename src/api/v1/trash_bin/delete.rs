use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::service::{Caller, Error, Resource};

/// DELETE /v1/trash-bin/{binEntryId} (delete-bin-entry)
pub async fn handle(_: Caller, Id(id): Id) -> ApiError {
    Error::not_found(Resource::BinEntry, id.as_str()).into()
}
