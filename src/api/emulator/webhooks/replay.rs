use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::webhook::write_delivery;
use crate::service::{Caller, webhooks};

/// POST /_emulator/webhooks/deliveries/{deliveryId}/replay (emulator-replay-webhook-delivery)
///
/// Sends it at once, whether it was delivered, given up, or waits for its next attempt; with its retries before it again.
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let replayed = webhooks::replay(&app.core, &caller, &id).await?;
    Ok(answer::json(|out| write_delivery(out, &replayed)))
}
