use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Json};
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::objects::customer;
use crate::service::{Caller, customers};

/// PUT /v1/customers/{customerId} (update-customer)
///
/// `id` and `source_id` in the body are ignored, because they cannot be changed. The JavaScript SDK sends `source_id`.
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json,
) -> Result<Response, ApiError> {
    let patch = request::customer_patch(Object::of_body(body)?)?;
    let saved = customers::update(&app.core, &caller, &id, patch).await?;
    Ok(answer::json(|out| customer::write_full(out, &saved)))
}
