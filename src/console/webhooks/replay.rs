use axum::http::Method;
use axum::response::Response;

use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::redirect;
use crate::console::project::{ItemId, Project};

/// POST /_emulator/console/projects/{project}/webhooks/deliveries/{id}/replay
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let id = encoded(&id);
    project.send(Method::POST, &format!("/_emulator/webhooks/deliveries/{id}/replay"), None).await?;
    Ok(redirect(&project.link(&format!("/webhooks/deliveries/{id}")), "delivery-replayed"))
}
