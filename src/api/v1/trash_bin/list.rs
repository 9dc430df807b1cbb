use axum::response::Response;

use crate::domain::filter::FieldKind;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Query;
use crate::objects::list;
use crate::service::Caller;

/// The fields that the vendor's filters accept.
const FILTER_FIELDS: [&str; 4] = ["id", "resource_type", "resource_name", "resource_id"];

/// GET /v1/trash-bin (list-bin-entries)
///
/// Validates the query and returns an empty list, because the trash bin is empty.
pub async fn handle(_: Caller, query: Query) -> Result<Response, ApiError> {
    query.read(|query| {
        query.filter_of(|name| FILTER_FIELDS.contains(&name).then_some(((), FieldKind::Text)))?;
        query.limit()?;
        query.one_of("order", &["id", "-id"])?;
        query.text("starting_after_id")
    })?;
    Ok(answer::json(list::write_empty))
}
