use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::api::webhook_payload;
use crate::domain::webhook::WebhookKind;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::{InnerId, Json};
use crate::http::state::AppState;
use crate::objects::webhook::write;
use crate::service::webhooks;

/// PUT /management/v1/projects/{projectId}/webhooks/{webhookId} (update-webhook)
///
/// The request replaces the whole list of events. Members that are not sent keep their value. `active` also enables a
/// webhook that was disabled automatically.
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    InnerId(id): InnerId,
    body: Json,
) -> Result<Response, ApiError> {
    let change = body.read(|mut body| webhook_payload::webhook_change(&app, WebhookKind::Project, &mut body))?;
    let saved = webhooks::update(&app.core, &caller, &id, Some(WebhookKind::Project), &change).await?;
    Ok(answer::json(|out| write(out, &saved)))
}
