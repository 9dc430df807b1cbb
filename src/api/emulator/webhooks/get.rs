use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::webhook::write;
use crate::service::{Caller, webhooks};

/// GET /_emulator/webhooks/{webhookId} (emulator-get-webhook)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let found = webhooks::get(&app.core, &caller, &id, None).await?;
    Ok(answer::json(|out| write(out, &found)))
}
