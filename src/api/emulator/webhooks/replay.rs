use axum::extract::State;
use axum::response::Response;

use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::webhook::write_delivery;
use crate::service::{Caller, webhooks};

/// POST /_emulator/webhooks/deliveries/{deliveryId}/replay (emulator-replay-webhook-delivery)
///
/// Queues the delivery to be sent immediately, with all its retries, whether it was delivered, has failed or waits for
/// its next attempt.
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let replayed = webhooks::replay(&app.core, &caller, &id).await?;
    Ok(answer::json(|out| write_delivery(out, &replayed)))
}
