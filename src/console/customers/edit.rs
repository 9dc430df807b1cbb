use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::Value;

use super::fields;
use super::show::title;
use crate::console::components::{Field, FormView};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(source = "{{ form }}", ext = "html")]
struct Edit {
    form: FormView,
}

/// GET /_emulator/console/projects/{project}/customers/new
pub async fn new(project: Project) -> Result<Response, PageError> {
    new_page(&project, fields::of_customer(&Value::Null, true), None)
}

/// POST /_emulator/console/projects/{project}/customers/new
pub async fn create(project: Project, form: Form) -> Result<Response, PageError> {
    let body = match fields::new_customer(&form) {
        Ok(body) => body,
        Err(error) => return new_page(&project, fields::of_form(&form, true), Some(error)),
    };
    match project.send(Method::POST, "/v1/customers", Some(&body)).await {
        Ok(customer) => Ok(redirect(&project.customer_link(&text(&customer, "/id")), "customer-created")),
        Err(error) if is_correctable(&error) => {
            new_page(&project, fields::of_form(&form, true), Some(error.text().into_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

fn new_page(project: &Project, fields: Vec<Field>, error: Option<String>) -> Result<Response, PageError> {
    let list = project.section_link(Section::Customers);
    let form = FormView::new(&project.visit.session, project.link("/customers/new"), "Create the customer", fields);
    let page = Page::new("Create a customer").below(&list, "Customers");
    let status = status_with(error.as_ref());
    project.page_with(status, Section::Customers, page, &Edit { form: form.or_back_to(list).refused(error) })
}

/// GET /_emulator/console/projects/{project}/customers/{id}/edit
pub async fn edit(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let customer = project.get(&format!("/v1/customers/{}", encoded(&id))).await?;
    edit_page(&project, &customer, fields::of_customer(&customer, false), None)
}

/// POST /_emulator/console/projects/{project}/customers/{id}/edit
pub async fn update(project: Project, ItemId(id): ItemId, form: Form) -> Result<Response, PageError> {
    let path = format!("/v1/customers/{}", encoded(&id));
    let customer = project.get(&path).await?;
    let refused = |error: String| edit_page(&project, &customer, fields::of_form(&form, false), Some(error));
    let body = match fields::changes(&form, &customer) {
        Ok(body) => body,
        Err(error) => return refused(error),
    };
    match project.send(Method::PUT, &path, Some(&body)).await {
        Ok(_) => Ok(redirect(&project.customer_link(&text(&customer, "/id")), "customer-saved")),
        Err(error) if is_correctable(&error) => refused(error.text().into_owned()),
        Err(error) => Err(error.into()),
    }
}

fn edit_page(
    project: &Project,
    customer: &Value,
    fields: Vec<Field>,
    error: Option<String>,
) -> Result<Response, PageError> {
    let link = project.customer_link(&text(customer, "/id"));
    let title = title(customer);
    let form = FormView::new(&project.visit.session, format!("{link}/edit"), "Save", fields);
    let page = Page::new(format!("Edit {title}"))
        .below(project.section_link(Section::Customers), "Customers")
        .below(&link, title);
    let status = status_with(error.as_ref());
    project.page_with(status, Section::Customers, page, &Edit { form: form.or_back_to(link).refused(error) })
}
