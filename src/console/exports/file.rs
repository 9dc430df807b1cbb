use axum::response::Response;

use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::project::{ItemId, Project, path_of};
use crate::console::view::text;

/// GET /_emulator/console/projects/{project}/exports/{id}/file
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let export = project.get(&format!("/v1/exports/{}", encoded(&id))).await?;
    let url = text(&export, "/result/url");
    if url.is_empty() {
        return Err(PageError::not_found("file"));
    }
    project.download(&path_of(&url)?, &format!("{}.csv", text(&export, "/id"))).await
}
