use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;
use crate::objects::customer;
use crate::service::{Caller, customers};

/// POST /v1/customers (create-customer)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let reference = body.read(request::customer_reference)?;
    let saved = customers::save(&app.core, &caller, reference).await?;
    Ok(answer::json(|out| customer::write_full(out, &saved)))
}
