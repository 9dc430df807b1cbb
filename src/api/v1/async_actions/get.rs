use axum::extract::State;
use axum::response::Response;

use crate::http::answer;
use crate::http::base_url::BaseUrl;
use crate::http::error::ApiError;
use crate::http::extract::Id;
use crate::http::state::AppState;
use crate::objects::async_action;
use crate::service::{Caller, jobs};

/// GET /v1/async-actions/{asyncActionId} (get-async-action)
pub async fn handle(
    State(app): State<AppState>,
    caller: Caller,
    base_url: BaseUrl,
    Id(id): Id,
) -> Result<Response, ApiError> {
    let (job, failures) = jobs::async_action(&app.core, &caller, &id).await?;
    let report_url = base_url.of(&format!("/_emulator/reports/{}?token={}", job.id, job.token));
    Ok(answer::json(|out| async_action::write(out, &job, &failures, &report_url)))
}
