use axum::extract::State;
use axum::response::Response;

use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Json};
use crate::http::state::AppState;
use crate::objects::deletion;
use crate::service::{Caller, permanent_deletion};

/// POST /v1/customers/{customerId}/permanent-deletion (customer-permanently-deletion)
///
/// The request has no body in the vendor's documentation, but the JavaScript SDK sends `{}`. Any JSON body is ignored.
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    body.read_none()?;
    let record = permanent_deletion::erase(&app.core, &caller, &id).await?;
    Ok(answer::json(|out| deletion::write(out, &record)))
}
