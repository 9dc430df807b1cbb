use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::fault;
use crate::service::{Caller, faults};

/// GET /_emulator/faults/{faultId} (emulator-get-fault)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let found = faults::get(&app.core, &caller, &id).await?;
    Ok(answer::json(|out| fault::write(out, &found)))
}
