use axum::extract::State;
use axum::response::Response;

use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::objects::order;
use crate::service::{Caller, Error, Resource};

/// GET /v1/orders/{orderId} (get-order)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let found = app.core.batches.find_order(caller.project, &id).await?;
    let found = found.ok_or_else(|| Error::not_found(Resource::Order, id.as_str()))?;
    Ok(answer::json(|out| order::write(out, &found)))
}
