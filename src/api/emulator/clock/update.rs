use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Json, answer};
use crate::objects::control;
use crate::service::{Caller, clock};

/// PUT /_emulator/clock (emulator-set-clock)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let (now, frozen) = body.read(|mut body| Ok((body.time("now")?, body.boolean("frozen")?.value())))?;
    if now.is_none() && frozen.is_none() {
        return Err(ApiError::invalid_payload("Payload must have the property 'now' or 'frozen'"));
    }
    let reading = clock::set(&app.core, &caller, now, frozen).await?;
    Ok(answer::json(|out| control::write_clock(out, reading.clock, reading.now)))
}
