use askama::Template;
use axum::http::Method;
use axum::response::Response;

use super::target::without_password;
use crate::console::components::FormView;
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(
    source = "<p class=\"lead\">The webhook <code>{{ target }}</code> is removed with all its deliveries.</p>{{ form }}",
    ext = "html"
)]
struct Confirm {
    target: String,
    form: FormView,
}

/// GET /_emulator/console/projects/{project}/webhooks/{id}/delete
pub async fn confirm(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let webhook = project.get(&format!("/_emulator/webhooks/{}", encoded(&id))).await?;
    let link = project.link(&format!("/webhooks/{}", encoded(&id)));
    let target = without_password(&text(&webhook, "/target_url"));
    let form = FormView::new(&project.visit.session, format!("{link}/delete"), "Delete the webhook", Vec::new());
    let page = Page::new("Delete the webhook")
        .below(project.section_link(Section::Webhooks), "Webhooks")
        .below(&link, target.clone());
    project.page(Section::Webhooks, page, &Confirm { target, form: form.dangerous().or_back_to(link) })
}

/// POST /_emulator/console/projects/{project}/webhooks/{id}/delete
pub async fn delete(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    project.send(Method::DELETE, &format!("/_emulator/webhooks/{}", encoded(&id)), None).await?;
    Ok(redirect(&project.section_link(Section::Webhooks), "webhook-deleted"))
}
