use axum::response::Response;

use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::project::{ItemId, Project, path_of};
use crate::console::view::text;

/// GET /_emulator/console/projects/{project}/jobs/{id}/report
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let action = project.get(&format!("/v1/async-actions/{}", encoded(&id))).await?;
    let url = text(&action, "/result/reports/0");
    if url.is_empty() {
        return Err(PageError::not_found("report"));
    }
    project.download(&path_of(&url)?, &format!("report-{}.csv", text(&action, "/id"))).await
}
