use askama::Template;
use axum::response::Response;
use serde_json::Value;

use crate::console::components::{Cell, Empty, Pager, Table, Tabs};
use crate::console::error::PageError;
use crate::console::jobs::tabs::{status, tabs};
use crate::console::link::{encoded, with_query};
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{self, integer, items, text};

const EXPORTS_PER_PAGE: i64 = 25;
/// The last page of the list of exports in the API.
const MAX_PAGE: i64 = 100;

#[derive(Template)]
#[template(path = "jobs/list.html")]
struct Exports {
    tabs: Tabs,
    reload_link: String,
    table: Option<Table>,
    empty: Empty,
    pager: Pager,
}

/// GET /_emulator/console/projects/{project}/exports
///
/// Query parameter: `page`.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let list_link = project.link("/exports");
    let page = query.text("page").parse().unwrap_or(1).clamp(1, MAX_PAGE);
    let (limit, number) = (EXPORTS_PER_PAGE.to_string(), page.to_string());
    let exports = project.get(&with_query("/v1/exports", &[("limit", &limit), ("page", &number)])).await?;
    let (found, total) = (items(&exports, "/exports"), integer(&exports, "/total"));
    let row = |export: &Value| {
        let link = project.link(&format!("/exports/{}", encoded(&text(export, "/id"))));
        let is_done = text(export, "/status") == "DONE";
        vec![
            Cell::text(format!("Export of {}", text(export, "/exported_object"))).to(&link),
            status(&text(export, "/status")),
            Cell::time(text(export, "/created_at")),
            if is_done { Cell::text("Download").to(format!("{link}/file")) } else { Cell::text("") },
        ]
    };
    let other_page = |page: i64| {
        let number = if page == 1 { String::new() } else { page.to_string() };
        with_query(&list_link, &[("page", &number)])
    };
    let content = Exports {
        tabs: tabs(&project, "/exports"),
        reload_link: other_page(page),
        table: (!found.is_empty()).then(|| Table {
            caption: "Exports, newest first",
            columns: vec!["Export", "Status", "Created", "File"],
            rows: found.iter().map(row).collect(),
        }),
        empty: Empty {
            text: "There are no exports yet. This call starts one:".to_owned(),
            command: project.command("/v1/exports", r#"{"exported_object": "customer"}"#),
        },
        pager: Pager {
            first: (page > 1).then(|| other_page(1)),
            next: (total > page * EXPORTS_PER_PAGE && page < MAX_PAGE).then(|| other_page(page + 1)),
            total: view::count(total, "export", "exports"),
        },
    };
    project.page(Section::Jobs, Page::new("Jobs"), &content)
}
