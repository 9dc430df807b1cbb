use axum::extract::State;
use axum::response::Response;

use crate::api::download;
use crate::http::state::AppState;
use crate::http::{ApiError, Id, Query};
use crate::objects::async_action;
use crate::service::jobs;

/// GET /_emulator/reports/{asyncActionId} (emulator-download-report)
pub async fn handle(State(app): State<AppState>, query: Query, Id(id): Id) -> Result<Response, ApiError> {
    let token = query.read(|query| query.text("token"))?.unwrap_or_default();
    let found = jobs::download(&app.core, &id, &token).await?;
    let found = found.filter(|(_, job)| async_action::has_report(job.kind));
    let (project, job) = found.ok_or_else(ApiError::unauthorized)?;
    let header = Some("source_id,found,updated\n".to_owned());
    Ok(download::stream_csv(&app.core, project, job.id, header, "text/csv; charset=utf-8"))
}
