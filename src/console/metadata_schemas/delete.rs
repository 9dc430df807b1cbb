use axum::Extension;
use axum::http::Method;
use axum::response::Response;

use super::kind::Kind;
use crate::console::components::{FormPage, FormView};
use crate::console::error::PageError;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;

/// GET /_emulator/console/projects/{project}/metadata-schemas/{id}/delete, .../event-schemas/{id}/delete
pub async fn confirm(
    project: Project,
    Extension(kind): Extension<Kind>,
    ItemId(id): ItemId,
) -> Result<Response, PageError> {
    let schema = project.get(&kind.operation(&id)).await?;
    let (title, link) = (kind.title(&schema), kind.link(&project, &id));
    let form = FormView::new(&project.visit.session, format!("{link}/delete"), "Delete the schema", Vec::new());
    let page = Page::new("Delete the schema")
        .below(project.section_link(Section::MetadataSchemas), "Metadata schemas")
        .below(&link, &title);
    let lead = format!("{title}: its keys are not checked any more. The stored metadata stays.");
    project.page(Section::MetadataSchemas, page, &FormPage::new(lead, form.dangerous().or_back_to(link)))
}

/// POST /_emulator/console/projects/{project}/metadata-schemas/{id}/delete, .../event-schemas/{id}/delete
pub async fn delete(
    project: Project,
    Extension(kind): Extension<Kind>,
    ItemId(id): ItemId,
) -> Result<Response, PageError> {
    project.send(Method::DELETE, &kind.operation(&id), None).await?;
    Ok(redirect(&project.section_link(Section::MetadataSchemas), "schema-deleted"))
}
