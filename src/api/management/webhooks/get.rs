use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::domain::webhook::WebhookKind;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::InnerId;
use crate::http::state::AppState;
use crate::objects::webhook::write;
use crate::service::webhooks;

/// GET /management/v1/projects/{projectId}/webhooks/{webhookId} (get-webhook)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    InnerId(id): InnerId,
) -> Result<Response, ApiError> {
    let found = webhooks::get(&app.core, &caller, &id, Some(WebhookKind::Project)).await?;
    Ok(answer::json(|out| write(out, &found)))
}
