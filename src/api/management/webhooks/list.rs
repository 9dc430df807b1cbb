use axum::extract::State;
use axum::response::Response;

use crate::api::management::managed_project::ManagedProject;
use crate::db;
use crate::domain::webhook::WebhookKind;
use crate::http::answer;
use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::objects::list;
use crate::objects::webhook::write;

/// GET /management/v1/projects/{projectId}/webhooks (list-webhooks)
pub async fn handle(State(app): State<AppState>, ManagedProject(caller): ManagedProject) -> Result<Response, ApiError> {
    let mut connection = app.core.pool.acquire().await?;
    let mut webhooks = db::webhooks::list(&mut connection, caller.project).await?;
    connection.release();
    webhooks.retain(|webhook| webhook.kind == WebhookKind::Project);
    let total = i64::try_from(webhooks.len()).unwrap_or(i64::MAX);
    Ok(answer::json(|out| list::write(out, "data", &webhooks, write, total, None)))
}
