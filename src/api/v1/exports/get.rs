use axum::extract::State;
use axum::response::Response;

use super::request;
use crate::api::download;
use crate::domain::job::JobType;
use crate::http::answer;
use crate::http::base_url::BaseUrl;
use crate::http::error::ApiError;
use crate::http::extract::{Id, Query};
use crate::http::state::AppState;
use crate::objects::export;
use crate::service::{Caller, jobs};

/// GET /v1/exports/{exportId} (get-export)
///
/// With the query parameter `token` it returns the file instead, without other authentication. The vendor serves the
/// file from a separate host.
pub async fn handle(
    State(app): State<AppState>,
    caller: Result<Caller, ApiError>,
    base_url: BaseUrl,
    query: Query,
    Id(id): Id,
) -> Result<Response, ApiError> {
    if let Some(token) = query.read(|query| query.text("token"))? {
        let found = jobs::download(&app.core, &id, &token).await?;
        let found = found.filter(|(_, job)| job.kind == JobType::Export);
        let (project, job) = found.ok_or_else(ApiError::unauthorized)?;
        return Ok(download::stream_csv(&app.core, project, job.id, None, "text/plain; charset=utf-8"));
    }
    let job = jobs::export(&app.core, &caller?, &id).await?;
    Ok(answer::json(|out| export::write(out, &job, &request::download_url(&base_url, &job))))
}
