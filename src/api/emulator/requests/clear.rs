use axum::extract::State;
use axum::http::StatusCode;

use crate::http::state::AppState;
use crate::service::Caller;

/// DELETE /_emulator/requests (emulator-clear-requests)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> StatusCode {
    app.core.request_log.clear(caller.project);
    StatusCode::NO_CONTENT
}
