use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Json};
use crate::http::state::AppState;
use crate::objects::order;
use crate::service::{Caller, orders};

/// PUT /v1/orders/{orderId} (update-order)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let change = body.read(|mut body| {
        // The vendor documents this member, and the order is selected by the path.
        body.ignore(&["source_id"]);
        request::order_change(body)
    })?;
    let saved = orders::update(&app.core, &caller, &id, &change).await?;
    Ok(answer::json(|out| order::write(out, &saved)))
}
