use axum::extract::State;
use axum::response::Response;

use crate::db;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, answer};
use crate::objects::webhook::write_delivery;
use crate::service::{Caller, Error, Resource};

/// GET /_emulator/webhooks/deliveries/{deliveryId} (emulator-get-webhook-delivery)
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire_for(caller.project).await?;
    let found = if id.can_exist() {
        db::webhook_deliveries::find(&mut connection, caller.project, id.as_str()).await?
    } else {
        None
    };
    connection.release();
    let found = found.ok_or_else(|| Error::not_found(Resource::WebhookDelivery, id.as_str()))?;
    Ok(answer::json(|out| write_delivery(out, &found)))
}
