use askama::Template;
use axum::response::Response;

use super::list::{object, row};
use crate::console::components::{Cell, Table};
use crate::console::error::PageError;
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::db::customers::{self, SearchField};
use crate::domain::customer::Customer;
use crate::domain::identifier::Identifier;
use crate::domain::limits::TEXT_CHARS;

/// How many matches of each field are shown.
const MATCHES_PER_FIELD: i64 = 10;

#[derive(Template)]
#[template(path = "customers/search.html")]
struct Matches {
    action: String,
    search: String,
    limit: i64,
    table: Option<Table>,
}

/// GET /_emulator/console/projects/{project}/customers/search
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let search: String = query.text("q").replace('\0', "").chars().take(TEXT_CHARS).collect();
    let mut found: Vec<(Customer, &'static str)> = Vec::new();
    if !search.is_empty() {
        let mut connection = project.console.app.core.pool.acquire_for(project.overview.id).await?;
        let identifier = Identifier::new(search.clone());
        let exact = customers::find(&mut connection, project.overview.id, &identifier).await?;
        found.extend(exact.map(|customer| (customer, "the id or source id")));
        for field in SearchField::ALL {
            let matches =
                customers::search(&mut connection, project.overview.id, field, &search, MATCHES_PER_FIELD).await?;
            for customer in matches {
                if !found.iter().any(|(known, _)| known.id == customer.id) {
                    found.push((customer, field_name(field)));
                }
            }
        }
        connection.release();
    }
    let rows = found.iter().map(|(customer, matched)| {
        let mut cells = row(&project, &object(&customer.into()));
        cells.insert(1, Cell::text(*matched));
        cells
    });
    let table = Table {
        caption: "Matching customers",
        columns: vec!["Name", "Matched", "Source id", "E-mail", "City", "Orders", "Spent", "Created"],
        rows: rows.collect(),
    };
    let content = Matches {
        action: project.link("/customers/search"),
        table: (!found.is_empty()).then_some(table),
        limit: MATCHES_PER_FIELD,
        search,
    };
    let page = Page::new("Search customers").below(project.section_link(Section::Customers), "Customers");
    project.page(Section::Customers, page, &content)
}

fn field_name(field: SearchField) -> &'static str {
    match field {
        SearchField::SourceId => "source id",
        SearchField::Email => "e-mail",
        SearchField::Name => "name",
        SearchField::City => "city",
    }
}
