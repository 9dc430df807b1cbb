use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::api::webhook_payload;
use crate::domain::webhook::WebhookKind;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::extract::Json;
use crate::http::state::AppState;
use crate::objects::webhook::write;
use crate::service::webhooks;

/// POST /management/v1/projects/{projectId}/webhooks (create-webhook)
pub async fn handle(
    State(app): State<AppState>,
    ManagedProject(caller): ManagedProject,
    body: Json,
) -> Result<Response, ApiError> {
    let new = body.read(|mut body| webhook_payload::new_webhook(&app, WebhookKind::Project, &mut body))?;
    let created = webhooks::create(&app.core, &caller, &new).await?;
    Ok(answer::json(|out| write(out, &created)))
}
