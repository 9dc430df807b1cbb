use axum::http::Method;
use axum::response::Response;
use serde_json::json;

use super::kind::Kind;
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::page::redirect;
use crate::console::project::{ItemId, Project};

/// POST /_emulator/console/projects/{project}/metadata-schemas/{id}/settings
pub async fn change(project: Project, ItemId(id): ItemId, form: Form) -> Result<Response, PageError> {
    let body = json!({"properties": {}, "allow_defined_only": form.text("defined_only") == "true"});
    project.send(Method::PUT, &Kind::Metadata.operation(&id), Some(&body)).await?;
    Ok(redirect(&Kind::Metadata.link(&project, &id), "schema-saved"))
}
