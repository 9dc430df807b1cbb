use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::logged_request;
use crate::service::{Caller, Error, Resource};

/// GET /_emulator/requests/{requestId} (emulator-get-request)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let request = app
        .core
        .request_log
        .get(caller.project, id.as_str())
        .ok_or_else(|| Error::not_found(Resource::LoggedRequest, id.as_str()))?;
    Ok(answer::json_sized(4096, |out| logged_request::write(out, &request)))
}
