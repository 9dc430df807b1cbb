use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use crate::console::components::{Cell, Definitions, FormView, Json, Table};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::{Page, redirect};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{integer, items, text};
use crate::db::customers::{ConnectedRows, count_connected_rows};
use crate::domain::limits::{CHECKED_VALUE_CHARS, MIN_CHECKED_VALUE_CHARS};
use crate::domain::timestamp;

#[derive(Template)]
#[template(path = "customers/erase.html")]
struct Confirm {
    customer: Definitions,
    rows: Table,
    form: FormView,
}

#[derive(Template)]
#[template(path = "customers/erased.html")]
struct Erased {
    record: Definitions,
    counters: Table,
    removed: Table,
    check: Option<Check>,
    object: Json,
}

/// What the check after the deletion found.
struct Check {
    tables: String,
    rows: String,
    found: Option<Table>,
}

/// GET /_emulator/console/projects/{project}/customers/{id}/erase
///
/// Also finds a customer that was deleted softly, by its id.
pub async fn confirm(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let rows = connected_rows(&project, &id).await?;
    let link = project.customer_link(&rows.id);
    let customer = Definitions::new([
        ("Id", Cell::code(&rows.id)),
        ("Source id", Cell::text(rows.source_id.clone().unwrap_or_default())),
        ("Name", Cell::text(rows.name.clone().unwrap_or_default())),
        ("E-mail", Cell::text(rows.email.clone().unwrap_or_default())),
        ("Deleted softly", Cell::time(rows.deleted_at.map(timestamp::text).unwrap_or_default())),
    ]);
    let table = Table {
        caption: "Rows that will be removed",
        columns: vec!["Table", "Rows"],
        rows: rows.by_table().iter().map(|(name, count)| vec![Cell::code(*name), Cell::number(*count)]).collect(),
    };
    let back = if rows.deleted_at.is_some() { project.section_link(Section::Customers) } else { link.clone() };
    let form = FormView::new(&project.visit.session, format!("{link}/erase"), "Delete permanently", Vec::new());
    let page = Page::new("Delete permanently").below(project.section_link(Section::Customers), "Customers");
    let content = Confirm { customer, rows: table, form: form.dangerous().or_back_to(back) };
    project.page(Section::Customers, page, &content)
}

/// POST /_emulator/console/projects/{project}/customers/{id}/erase
pub async fn erase(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let rows = connected_rows(&project, &id).await?;
    let path = format!("/v1/customers/{}/permanent-deletion", encoded(&rows.id));
    let deletion = project.send(Method::POST, &path, None).await?;
    let deletion_id = text(&deletion, "/id");
    let values = values_to_check(&rows);
    let check = project.send(Method::POST, "/_emulator/erasure-check", Some(&json!({"values": values}))).await;
    match check {
        // The result names tables and columns, and none of the values.
        Ok(check) => project.console.erasure_checks.insert(deletion_id.clone(), check),
        // The customer is deleted, whatever became of the check.
        Err(error) => tracing::warn!(cause = error.cause(), "failed to check an erasure"),
    }
    Ok(redirect(&project.link(&format!("/erasures/{}", encoded(&deletion_id))), ""))
}

async fn connected_rows(project: &Project, id: &str) -> Result<ConnectedRows, PageError> {
    let customer = project.get(&format!("/v1/customers/{}", encoded(id))).await.ok();
    let id = customer.as_ref().map_or_else(|| id.replace('\0', ""), |customer| text(customer, "/id"));
    let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
    let rows = count_connected_rows(&mut connection, project.overview.id, &id).await?;
    connection.release();
    rows.ok_or_else(|| PageError::not_found("customer"))
}

/// Returns the identifiers of a customer that the check searches.
fn values_to_check(rows: &ConnectedRows) -> Vec<String> {
    let values = [Some(rows.id.clone()), rows.source_id.clone(), rows.email.clone(), rows.phone.clone()];
    let is_checked = |value: &String| (MIN_CHECKED_VALUE_CHARS..=CHECKED_VALUE_CHARS).contains(&value.chars().count());
    let mut values: Vec<_> = values.into_iter().flatten().filter(is_checked).collect();
    values.dedup();
    values
}

/// GET /_emulator/console/projects/{project}/erasures/{id}
pub async fn result(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let deletion = project.get(&format!("/_emulator/permanent-deletions/{}", encoded(&id))).await?;
    let check = project.console.erasure_checks.get(&id);
    let numbers = |caption, column, pointer: &str| Table {
        caption,
        columns: vec![column, "Number"],
        rows: deletion
            .pointer(pointer)
            .and_then(Value::as_object)
            .map(|members| {
                let number = |value: &Value| value.as_i64().unwrap_or_default();
                members.iter().map(|(name, value)| vec![Cell::code(name), Cell::number(number(value))]).collect()
            })
            .unwrap_or_default(),
    };
    let content = Erased {
        record: Definitions::new([
            ("Deletion", Cell::code(text(&deletion, "/id"))),
            ("Customer", Cell::code(text(&deletion, "/related_object_id"))),
            ("Status", Cell::badge(text(&deletion, "/status"), "good")),
            ("At", Cell::time(text(&deletion, "/created_at"))),
        ]),
        counters: numbers("Counters of the answer", "Counter", "/data_json"),
        removed: numbers("Removed rows by table", "Table", "/removed"),
        check: check.as_ref().map(check_view),
        object: Json::new(&deletion),
    };
    let page =
        Page::new("The customer was deleted permanently").below(project.section_link(Section::Customers), "Customers");
    project.page(Section::Customers, page, &content)
}

fn check_view(check: &Value) -> Check {
    let row = |found: &Value| {
        vec![
            Cell::code(text(found, "/table")),
            Cell::code(text(found, "/column")),
            Cell::number(integer(found, "/rows")),
        ]
    };
    // The record of the deletion itself contains the id, and stays.
    let found = items(check, "/found").iter().filter(|found| text(found, "/table") != "permanent_deletions");
    let rows: Vec<_> = found.map(row).collect();
    Check {
        tables: text(check, "/tables"),
        rows: text(check, "/rows"),
        found: (!rows.is_empty()).then(|| Table {
            caption: "Where an identifier was found",
            columns: vec!["Table", "Column", "Rows"],
            rows,
        }),
    }
}
