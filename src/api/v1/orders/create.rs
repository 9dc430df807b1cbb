use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;
use crate::objects::order;
use crate::service::{Caller, orders};

/// POST /v1/orders (create-order)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let (reference, change) = body.read(|mut body| {
        let reference = request::order_reference(&mut body)?;
        Ok((reference, request::order_change(body)?))
    })?;
    let saved = orders::save(&app.core, &caller, &reference, &change).await?;
    Ok(answer::json(|out| order::write(out, &saved)))
}
