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
/// The body's `id` and `source_id` are ignored: neither can be changed, and the JavaScript SDK sends the second.
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    Id(id): Id,
    Json(body): Json,
) -> Result<Response, ApiError> {
    let patch = request::patch(Object::of_body(body)?)?;
    let saved = customers::update(&app.core, &caller, &id, patch).await?;
    Ok(answer::json(|out| customer::write_full(out, &saved)))
}
