use axum::extract::State;
use axum::response::Response;

use crate::api::webhook_payload;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Json, answer};
use crate::objects::webhook::write;
use crate::service::{Caller, webhooks};

/// PUT /_emulator/webhooks/{webhookId} (emulator-update-webhook)
///
/// The kind, project webhook or distribution, cannot be changed.
pub async fn handle(State(app): State<AppState>, caller: Caller, Id(id): Id, body: Json) -> Result<Response, ApiError> {
    let body = body.require_object()?;
    let kind = webhooks::get(&app.core, &caller, &id, None).await?.kind;
    let change = body.read(|mut body| {
        let change = webhook_payload::webhook_change(&app, kind, &mut body)?;
        // Only distributions have names.
        body.ignore(&["name"]);
        Ok(change)
    })?;
    let saved = webhooks::update(&app.core, &caller, &id, None, &change).await?;
    Ok(answer::json(|out| write(out, &saved)))
}
