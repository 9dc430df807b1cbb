use axum::extract::State;
use axum::response::Response;

use crate::api::management::Managed;
use crate::api::webhook_payload;
use crate::domain::webhook::WebhookKind;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{InnerId, Json};
use crate::http::payload::Object;
use crate::http::state::AppState;
use crate::objects::webhook::write;
use crate::service::webhooks;

/// PUT /management/v1/projects/{projectId}/webhooks/{webhookId} (update-webhook)
///
/// The events are replaced as a whole; what is not named stays. `active` switches on what has switched itself off.
pub async fn handle(
    State(app): State<AppState>,
    Managed(caller): Managed,
    InnerId(id): InnerId,
    Json(body): Json,
) -> Result<Response, ApiError> {
    let mut body = Object::of_body(body)?;
    let change = webhook_payload::change(&app, WebhookKind::Project, &mut body)?;
    let saved = webhooks::update(&app.core, &caller, &id, Some(WebhookKind::Project), &change).await?;
    Ok(answer::json(|out| write(out, &saved)))
}
