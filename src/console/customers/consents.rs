use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::show::title;
use super::tabs::tabs;
use crate::api::v1::customers::consents::UNSUBSCRIBED;
use crate::console::components::{Cell, Empty, Tabs};
use crate::console::error::{PageError, is_correctable, status_with};
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{items, text};
use crate::db;
use crate::domain::consent::CustomerConsent;
use crate::domain::timestamp;

#[derive(Template)]
#[template(path = "customers/consents.html")]
struct Consents<'a> {
    tabs: Tabs,
    action: String,
    form_token: &'a str,
    error: Option<String>,
    rows: Vec<ConsentRow>,
    empty: Empty,
    entered: &'a str,
    has_given: bool,
}

/// A consent of the project, with the decision of the customer.
struct ConsentRow {
    name: Cell,
    id: Cell,
    state: Cell,
    changed: Cell,
    is_given: bool,
}

/// GET /_emulator/console/projects/{project}/customers/{id}/consents
pub async fn show(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let customer = project.get(&format!("/v1/customers/{}", encoded(&id))).await?;
    page(&project, &customer, "", None).await
}

/// POST /_emulator/console/projects/{project}/customers/{id}/consents
pub async fn change(project: Project, ItemId(id): ItemId, form: Form) -> Result<Response, PageError> {
    let customer = project.get(&format!("/v1/customers/{}", encoded(&id))).await?;
    let id = text(&customer, "/id");
    let consent = form.text("consent").trim();
    let is_given = consent == UNSUBSCRIBED || form.text("given") == "true";
    let path = format!("/v1/customers/{id}/consents");
    match project.send(Method::PUT, &path, Some(&json!({consent: is_given}))).await {
        Ok(_) => Ok(redirect(&format!("{}/consents", project.customer_link(&id)), "consents-changed")),
        Err(error) if is_correctable(&error) => {
            page(&project, &customer, consent, Some(error.text().into_owned())).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn page(
    project: &Project,
    customer: &Value,
    entered: &str,
    error: Option<String>,
) -> Result<Response, PageError> {
    let id = text(customer, "/id");
    let link = project.customer_link(&id);
    let defined = project.get("/v1/consents").await?;
    let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
    let decisions = db::consents::list_of_customer(&mut connection, project.overview.id, &id).await?;
    connection.release();
    let rows: Vec<_> =
        items(&defined, "/consents/data").iter().map(|consent| row(project, consent, &decisions)).collect();
    let status = status_with(error.as_ref());
    let content = Consents {
        tabs: tabs(project, &id, "/consents"),
        action: format!("{link}/consents"),
        form_token: &project.visit.session.form_token,
        error,
        has_given: rows.iter().any(|row| row.is_given),
        rows,
        empty: Empty {
            text: "There are no consents yet. This call defines one and gives it:".to_owned(),
            command: project.command(&format!("/v1/customers/{id}/consents -X PUT"), r#"{"newsletter": true}"#),
        },
        entered,
    };
    let page = Page::new(title(customer)).below(project.section_link(Section::Customers), "Customers");
    project.page_with(status, Section::Customers, page, &content)
}

fn row(project: &Project, consent: &Value, decisions: &[CustomerConsent]) -> ConsentRow {
    let id = text(consent, "/id");
    let decision = decisions.iter().find(|decision| decision.id == id);
    let name = Some(text(consent, "/name")).filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone());
    ConsentRow {
        name: Cell::text(name).to(project.link(&format!("/consents/{}", encoded(&id)))),
        id: Cell::code(id),
        state: match decision {
            Some(decision) if decision.given => Cell::badge("given", "good"),
            Some(_) => Cell::badge("revoked", ""),
            None => Cell::text("never given"),
        },
        changed: Cell::time(decision.map(|decision| timestamp::text(decision.updated_at)).unwrap_or_default()),
        is_given: decision.is_some_and(|decision| decision.given),
    }
}
