use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Json};
use crate::http::state::AppState;
use crate::objects::customer;
use crate::service::{Caller, customers};

/// PUT /v1/customers/{customerId} (update-customer)
///
/// `id` and `source_id` in the body are ignored, because they cannot be changed. The JavaScript SDK sends `source_id`.
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let patch = body.read(|mut body| {
        body.ignore(&["source_id"]);
        request::customer_patch(body)
    })?;
    let saved = customers::update(&app.core, &caller, &id, patch).await?;
    Ok(answer::json(|out| customer::write_full(out, &saved)))
}
