use axum::extract::State;
use axum::response::Response;

use crate::domain::iso_duration::IsoDuration;
use crate::domain::limits::TEXT_CHARS;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, answer};
use crate::objects::control;
use crate::service::Caller;
use crate::service::clock::{self, Advance};

/// POST /_emulator/clock/advance (emulator-advance-clock)
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let (by, to) = body.read(|mut body| Ok((body.optional_text("by", TEXT_CHARS)?, body.time("to")?)))?;
    let advance = match (by, to) {
        (Some(by), None) => Advance::By(IsoDuration::parse(&by).ok_or_else(|| {
            ApiError::invalid_payload(
                "Property .by must be a positive duration in the format of ISO 8601, such as P1DT2H",
            )
        })?),
        (None, Some(to)) => Advance::To(to),
        _ => return Err(ApiError::invalid_payload("Payload must have one of the properties 'by' and 'to'")),
    };
    let reading = clock::advance(&app.core, &caller, advance).await?;
    Ok(answer::json(|out| control::write_clock(out, reading.clock, reading.now)))
}
