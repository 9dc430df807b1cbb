use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Value, json};

use super::control::{self, Control, attempt};
use crate::console::components::{Cell, Pager, Table};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::link::{encoded, hex, with_query};
use crate::console::page::{RawQuery, redirect};
use crate::console::project::Project;
use crate::console::view::{self, integer, items, text};

const DELETIONS_PER_PAGE: i64 = 25;
/// The last page of the list, which the API limits.
const MAX_PAGE: i64 = 100;

#[derive(Template)]
#[template(path = "controls/erasure.html")]
struct Erasure<'a> {
    action: String,
    form_token: &'a str,
    error: Option<String>,
    values: &'a str,
    result: Option<Checked>,
    deletions: Option<Table>,
    pager: Pager,
}

/// What a check found.
struct Checked {
    values: String,
    tables: String,
    rows: String,
    found: Option<Table>,
}

/// GET /_emulator/console/projects/{project}/controls/erasure
///
/// Query parameters: `result`, a check that was made; `page`, of the permanent deletions.
pub async fn show(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let result = project.console.erasure_checks.get(&key_of(&project, &query.text("result")));
    page(&project, "", query.text("page").parse().unwrap_or(1), result.as_ref(), None).await
}

/// POST /_emulator/console/projects/{project}/controls/erasure
///
/// The result is kept in the memory, because its page must not have the values in its URL.
pub async fn check(project: Project, form: Form) -> Result<Response, PageError> {
    let values: Vec<_> = form.text("values").lines().map(str::trim).filter(|value| !value.is_empty()).collect();
    let number = values.len();
    match attempt(&project, Method::POST, "/_emulator/erasure-check", Some(&json!({"values": values}))).await? {
        Ok(mut result) => {
            if let Some(members) = result.as_object_mut() {
                members.insert("values".to_owned(), number.into());
            }
            let id = hex(&rand::random::<[u8; 8]>());
            project.console.erasure_checks.insert(key_of(&project, &id), result);
            Ok(redirect(&with_query(&Control::Erasure.link(&project), &[("result", &id)]), ""))
        }
        Err(error) => page(&project, form.text("values"), 1, None, Some(error)).await,
    }
}

/// Returns the key of a result. It contains the project, so that no other project shows it.
fn key_of(project: &Project, id: &str) -> String {
    format!("{}/{id}", project.overview.public_id)
}

async fn page(
    project: &Project,
    values: &str,
    number: i64,
    result: Option<&Value>,
    error: Option<String>,
) -> Result<Response, PageError> {
    let number = number.clamp(1, MAX_PAGE);
    let path = format!("/_emulator/permanent-deletions?limit={DELETIONS_PER_PAGE}&page={number}");
    let deletions = project.get(&path).await?;
    let (link, total) = (Control::Erasure.link(project), integer(&deletions, "/total"));
    let rows: Vec<_> = items(&deletions, "/data").iter().map(|deletion| row(project, deletion)).collect();
    let has_more = number < MAX_PAGE && number * DELETIONS_PER_PAGE < total;
    let is_refused = error.is_some();
    let content = Erasure {
        action: link.clone(),
        form_token: &project.visit.session.form_token,
        error,
        values,
        result: result.map(checked),
        deletions: (!rows.is_empty()).then(|| Table {
            caption: "Permanent deletions",
            columns: vec!["Deletion", "Customer", "At", "Removed rows"],
            rows,
        }),
        pager: Pager {
            first: (number > 1).then(|| link.clone()),
            next: has_more.then(|| with_query(&link, &[("page", &(number + 1).to_string())])),
            total: view::count(total, "permanent deletion", "permanent deletions"),
        },
    };
    control::page(project, Control::Erasure, is_refused, &content)
}

fn row(project: &Project, deletion: &Value) -> Vec<Cell> {
    let id = text(deletion, "/id");
    let removed = deletion.get("removed").and_then(Value::as_object);
    let rows = removed.map(|tables| tables.values().filter_map(Value::as_i64).sum()).unwrap_or_default();
    vec![
        Cell::code(&id).to(project.link(&format!("/erasures/{}", encoded(&id)))),
        Cell::code(text(deletion, "/related_object_id")),
        Cell::time(text(deletion, "/created_at")),
        Cell::number(rows),
    ]
}

fn checked(result: &Value) -> Checked {
    let row = |found: &Value| {
        vec![
            Cell::code(text(found, "/table")),
            Cell::code(text(found, "/column")),
            Cell::number(integer(found, "/rows")),
        ]
    };
    let rows: Vec<_> = items(result, "/found").iter().map(row).collect();
    Checked {
        values: view::count(integer(result, "/values"), "value", "values"),
        tables: view::count(integer(result, "/tables"), "table", "tables"),
        rows: view::count(integer(result, "/rows"), "row", "rows"),
        found: (!rows.is_empty()).then(|| Table {
            caption: "Where a value was found",
            columns: vec!["Table", "Column", "Rows"],
            rows,
        }),
    }
}
