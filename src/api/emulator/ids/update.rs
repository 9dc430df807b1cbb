use axum::extract::State;
use axum::response::Response;

use crate::domain::limits::SEED_CHARS;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, answer};
use crate::objects::control;
use crate::service::{Caller, identifiers};

/// PUT /_emulator/ids (emulator-seed-ids)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let seed = body.read(|mut body| body.required_text("seed", 1, SEED_CHARS))?;
    identifiers::set_seed(&app.core, &caller, Some(&seed)).await?;
    Ok(answer::json(|out| control::write_ids(out, Some(&seed))))
}
