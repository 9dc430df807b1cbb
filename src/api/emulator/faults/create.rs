use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, answer};
use crate::objects::fault;
use crate::service::{Caller, faults};

/// POST /_emulator/faults (emulator-create-fault)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let rule = body.read(request::rule)?;
    let created = faults::create(&app.core, &caller, rule).await?;
    Ok(answer::json(|out| fault::write(out, &created)))
}
