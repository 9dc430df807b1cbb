use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::control;
use crate::service::{Caller, clock};

/// GET /_emulator/clock (emulator-get-clock)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let reading = clock::get(&app.core, &caller).await?;
    Ok(answer::json(|out| control::write_clock(out, reading.clock, reading.now)))
}
