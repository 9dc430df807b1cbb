use askama::Template;
use axum::http::Method;
use axum::response::Response;

use super::show::title;
use crate::console::components::FormView;
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(path = "customers/delete.html")]
struct Confirm {
    form: FormView,
}

/// GET /_emulator/console/projects/{project}/customers/{id}/delete
pub async fn confirm(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let customer = project.get(&format!("/v1/customers/{}", encoded(&id))).await?;
    let link = project.customer_link(&text(&customer, "/id"));
    let form = FormView::new(&project.visit.session, format!("{link}/delete"), "Delete softly", Vec::new());
    let title = title(&customer);
    let page = Page::new(format!("Delete {title}"))
        .below(project.section_link(Section::Customers), "Customers")
        .below(&link, title);
    project.page(Section::Customers, page, &Confirm { form: form.dangerous().or_back_to(link) })
}

/// POST /_emulator/console/projects/{project}/customers/{id}/delete
pub async fn delete(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let path = format!("/v1/customers/{}", encoded(&id));
    let customer = project.get(&path).await?;
    project.send(Method::DELETE, &path, None).await?;
    // The page of the permanent deletion still finds the customer.
    let erase = format!("{}/erase", project.customer_link(&text(&customer, "/id")));
    Ok(redirect(&erase, "customer-deleted"))
}
