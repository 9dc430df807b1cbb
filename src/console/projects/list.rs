use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::console::components::{Cell, Pager, Row, Table};
use crate::console::error::PageError;
use crate::console::link::{PATH, with_query};
use crate::console::page::{Page, RawQuery, Visit};
use crate::console::project::link_to;
use crate::console::state::ConsoleState;
use crate::db::project_overviews;
use crate::domain::project::{ProjectId, ProjectOverview};
use crate::domain::timestamp;

const PROJECTS_PER_PAGE: i64 = 25;

#[derive(Template)]
#[template(path = "projects/list.html")]
struct Projects<'a> {
    home: &'static str,
    search: &'a str,
    table: Option<Table>,
    pager: Pager,
}

/// GET /_emulator/console
pub async fn handle(State(console): State<ConsoleState>, visit: Visit, query: RawQuery) -> Result<Response, PageError> {
    let search = query.text("q").replace('\0', "");
    let text = Some(search.as_str()).filter(|text| !text.is_empty());
    let before: Option<i64> = query.text("before").parse().ok();
    let mut connection = console.app.core.pool.acquire().await?;
    let mut projects: Vec<ProjectOverview> = match before {
        None => project_overviews::find_default(&mut connection, text).await?.into_iter().collect(),
        Some(_) => Vec::new(),
    };
    let mut others =
        project_overviews::list(&mut connection, text, before.map(ProjectId), PROJECTS_PER_PAGE + 1).await?;
    connection.release();
    let limit = usize::try_from(PROJECTS_PER_PAGE).unwrap_or_default();
    let has_more = others.len() > limit;
    others.truncate(limit);
    projects.extend(others);

    let last = projects.last().filter(|_| has_more).map(|last| last.id.0.to_string());
    let pager = Pager {
        first: before.map(|_| with_query(PATH, &[("q", &search)])),
        next: last.map(|last| with_query(PATH, &[("q", &search), ("before", &last)])),
        total: String::new(),
    };
    let table = Table {
        caption: "Projects",
        columns: vec!["Name", "Project id", "Customers", "Orders", "Segments", "Created"],
        rows: projects.iter().map(row).collect(),
    };
    let table = (!projects.is_empty()).then_some(table);
    visit.page(Page::new("Projects"), &Projects { home: PATH, search: &search, table, pager })
}

fn row(project: &ProjectOverview) -> Row {
    let name = if project.name.is_empty() { project.public_id.clone() } else { project.name.clone() };
    let name = if project.is_sandbox { format!("{name} (default)") } else { name };
    vec![
        Cell::text(name).to(link_to(&project.public_id, "")),
        Cell::code(&project.public_id),
        Cell::number(project.customers),
        Cell::number(project.orders),
        Cell::number(project.segments),
        Cell::time(timestamp::text(project.created_at)),
    ]
}
