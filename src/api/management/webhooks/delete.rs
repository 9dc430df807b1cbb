use axum::extract::State;
use axum::http::StatusCode;

use crate::api::management::managed_project::ManagedProject;
use crate::domain::webhook::WebhookKind;
use crate::http::error::ApiError;
use crate::http::extract::InnerId;
use crate::http::state::AppState;
use crate::service::webhooks;

/// DELETE /management/v1/projects/{projectId}/webhooks/{webhookId} (delete-webhook)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    InnerId(id): InnerId,
) -> Result<StatusCode, ApiError> {
    webhooks::delete(&app.core, &caller, &id, Some(WebhookKind::Project)).await?;
    Ok(StatusCode::NO_CONTENT)
}
