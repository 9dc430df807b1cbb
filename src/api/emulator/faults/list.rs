use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, answer};
use crate::objects::{fault, list};
use crate::service::{Caller, faults};

/// GET /_emulator/faults (emulator-list-faults)
pub async fn handle(State(app): State<AppState>, caller: Caller) -> Result<Response, ApiError> {
    let faults = faults::list(&app.core, &caller).await?;
    let total = i64::try_from(faults.len()).unwrap_or(i64::MAX);
    Ok(answer::json(|out| list::write(out, "data", &faults, fault::write, total, None)))
}
