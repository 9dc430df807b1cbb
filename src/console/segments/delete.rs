use askama::Template;
use axum::http::Method;
use axum::response::Response;

use crate::console::components::FormView;
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(
    source = "<p class=\"lead\">The segment is removed with the list of its members. The customers stay.</p>{{ form }}",
    ext = "html"
)]
struct Confirm {
    form: FormView,
}

/// GET /_emulator/console/projects/{project}/segments/{id}/delete
pub async fn confirm(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let segment = project.get(&format!("/v1/segments/{}", encoded(&id))).await?;
    let (name, link) = (text(&segment, "/name"), project.link(&format!("/segments/{}", encoded(&id))));
    let form = FormView::new(&project.visit.session, format!("{link}/delete"), "Delete the segment", Vec::new());
    let page = Page::new(format!("Delete {name}"))
        .below(project.section_link(Section::Segments), "Segments")
        .below(&link, name);
    project.page(Section::Segments, page, &Confirm { form: form.dangerous().or_back_to(link) })
}

/// POST /_emulator/console/projects/{project}/segments/{id}/delete
pub async fn delete(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    project.send(Method::DELETE, &format!("/v1/segments/{}", encoded(&id)), None).await?;
    Ok(redirect(&project.section_link(Section::Segments), "segment-deleted"))
}
