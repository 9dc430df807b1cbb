use axum::Extension;
use axum::http::Method;
use axum::response::Response;
use serde_json::json;

use super::kind::Kind;
use crate::console::components::{Field, FormPage, FormView};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::form::Form;
use crate::console::page::{Page, redirect};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::text;

/// GET /_emulator/console/projects/{project}/metadata-schemas/new, .../event-schemas/new
pub async fn new(project: Project, Extension(kind): Extension<Kind>) -> Result<Response, PageError> {
    page(&project, kind, &Form::default(), None)
}

/// POST /_emulator/console/projects/{project}/metadata-schemas/new, .../event-schemas/new
pub async fn create(project: Project, Extension(kind): Extension<Kind>, form: Form) -> Result<Response, PageError> {
    let name = form.text("name").trim();
    let body = match kind {
        Kind::Metadata => json!({"related_object": name, "properties": {},
            "allow_defined_only": !form.text("defined_only").is_empty()}),
        Kind::Event => json!({"name": name, "schema": {"properties": {}}}),
    };
    match project.send(Method::POST, kind.list_operation(), Some(&body)).await {
        Ok(schema) => Ok(redirect(&kind.link(&project, &text(&schema, "/id")), "schema-created")),
        Err(error) if is_correctable(&error) => page(&project, kind, &form, Some(error.text().into_owned())),
        Err(error) => Err(error.into()),
    }
}

fn page(project: &Project, kind: Kind, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let name = form.text("name");
    let (title, fields) = match kind {
        Kind::Metadata => (
            "Create a metadata schema",
            vec![
                Field::text("name", "Resource", name)
                    .hint("customer, order and order_item are applied. Any other name can be the type of an object in them.")
                    .required(),
                Field::flag("defined_only", "Allow defined keys only", !form.text("defined_only").is_empty()),
            ],
        ),
        Kind::Event => (
            "Create a custom event schema",
            vec![Field::text("name", "Name of the events", name).hint("For instance page_view.").required()],
        ),
    };
    let list = project.section_link(Section::MetadataSchemas);
    let action = project.link(&format!("{}/new", kind.path()));
    let page = Page::new(title).below(&list, "Metadata schemas");
    let status = status_with(error.as_ref());
    let form = FormView::new(&project.visit.session, action, "Create the schema", fields);
    let content = FormPage::new("The keys are added on the page of the schema.", form.or_back_to(list).refused(error));
    project.page_with(status, Section::MetadataSchemas, page, &content)
}
