use axum::extract::State;
use axum::http::StatusCode;

use crate::http::ApiError;
use crate::http::state::AppState;
use crate::service::{Caller, identifiers};

/// DELETE /_emulator/ids (emulator-reset-ids)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<StatusCode, ApiError> {
    identifiers::set_seed(&app.core, &caller, None).await?;
    // Invalidate the cache, so that the next request to this process makes random identifiers.
    app.authenticator.invalidate_cache();
    Ok(StatusCode::NO_CONTENT)
}
