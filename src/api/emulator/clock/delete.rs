use axum::extract::State;
use axum::http::StatusCode;

use crate::http::ApiError;
use crate::http::state::AppState;
use crate::service::{Caller, clock};

/// DELETE /_emulator/clock (emulator-reset-clock)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    clock::reset(&app.core, &caller).await?;
    // Invalidate the cache, so that the next request to this process uses the new clock.
    app.authenticator.invalidate_cache();
    Ok(StatusCode::NO_CONTENT)
}
