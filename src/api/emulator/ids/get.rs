use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::control;
use crate::service::{Caller, identifiers};

/// GET /_emulator/ids (emulator-get-ids)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let seed = identifiers::seed(&app.core, &caller).await?;
    Ok(answer::json(|out| control::write_ids(out, seed.as_deref())))
}
