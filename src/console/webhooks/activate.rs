use axum::http::Method;
use axum::response::Response;
use serde_json::json;

use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::redirect;
use crate::console::project::{ItemId, Project};

/// POST /_emulator/console/projects/{project}/webhooks/{id}/active
pub async fn handle(project: Project, ItemId(id): ItemId, form: Form) -> Result<Response, PageError> {
    let active = form.text("active") == "true";
    let path = format!("/_emulator/webhooks/{}", encoded(&id));
    project.send(Method::PUT, &path, Some(&json!({"active": active}))).await?;
    let notice = if active { "webhook-activated" } else { "webhook-deactivated" };
    Ok(redirect(&project.link(&format!("/webhooks/{}", encoded(&id))), notice))
}
