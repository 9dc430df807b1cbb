use axum::extract::State;
use axum::response::Response;

use super::load::load;
use crate::http::ApiError;
use crate::http::document::SpooledJson;
use crate::http::state::AppState;
use crate::service::Caller;
use crate::service::state::LoadMode;

/// POST /_emulator/state (emulator-add-state)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    SpooledJson(body): SpooledJson,
) -> Result<Response, ApiError> {
    load(app, &caller, LoadMode::Add, body).await
}
