use axum::extract::State;
use axum::response::Response;

use crate::api::webhook_payload;
use crate::domain::webhook::WebhookKind;
use crate::http::state::AppState;
use crate::http::{ApiError, Json, answer};
use crate::objects::webhook::write;
use crate::service::{Caller, webhooks};

/// POST /_emulator/webhooks (emulator-create-webhook)
///
/// `object` selects a project webhook, which is the default, or a distribution.
pub async fn handle(State(app): State<AppState>, caller: Caller, body: Json) -> Result<Response, ApiError> {
    let new = body.read(|mut body| {
        let kind = body.one_of("object", &["webhook", "distribution"], WebhookKind::parse)?;
        let new = webhook_payload::new_webhook(&app, kind.unwrap_or(WebhookKind::Project), &mut body)?;
        // Only distributions have names.
        body.ignore(&["name"]);
        Ok(new)
    })?;
    let created = webhooks::create(&app.core, &caller, &new).await?;
    Ok(answer::json(|out| write(out, &created)))
}
