use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::ObjectWriter;
use crate::service::Caller;
use crate::service::idle::wait_until_idle;

/// GET /_emulator/idle (emulator-wait-until-idle)
///
/// Waits until the project has no unfinished jobs and no due webhook deliveries.
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    // The wait ends at the request timeout, because the middleware has answered the request by then.
    if wait_until_idle(&app.core, &caller, app.request_timeout).await? {
        return Ok(answer::json(|out| ObjectWriter::new(out).number("unfinished", 0).end()));
    }
    Err(ApiError::unavailable("The project still has work in the background"))
}
