use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::tabs::{status, tabs};
use crate::console::components::{Cell, Empty, Pager, Table, Tabs};
use crate::console::error::PageError;
use crate::console::link::{encoded, with_query};
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{integer, items, text};

const ACTIONS_PER_PAGE: usize = 25;

#[derive(Template)]
#[template(path = "jobs/list.html")]
struct Jobs {
    tabs: Tabs,
    reload_link: String,
    table: Option<Table>,
    empty: Empty,
    pager: Pager,
}

/// GET /_emulator/console/projects/{project}/jobs
///
/// Query parameter: `before`, the time before which the page begins.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let list_link = project.section_link(Section::Jobs);
    let (before, limit) = (query.text("before"), ACTIONS_PER_PAGE.to_string());
    let parameters = [("limit", limit.as_str()), ("end_date", &before)];
    let actions = project.get(&with_query("/v1/async-actions", &parameters)).await?;
    let found = items(&actions, "/async_actions");
    let row = |action: &Value| {
        let link = project.link(&format!("/jobs/{}", encoded(&text(action, "/id"))));
        vec![
            Cell::text(text(action, "/type")).to(link),
            status(&text(action, "/status")),
            Cell::progress(integer(action, "/progress")),
            Cell::time(text(action, "/created_at")),
            Cell::time(text(action, "/updated_at")),
        ]
    };
    let last = found.last().filter(|_| text(&actions, "/has_more") == "true").map(|last| text(last, "/created_at"));
    let body = r#"[{"source_id": "alice@morgan.com", "metadata": {"lang": "en"}}]"#;
    let content = Jobs {
        tabs: tabs(&project, "/jobs"),
        reload_link: with_query(&list_link, &[("before", &before)]),
        table: (!found.is_empty()).then(|| Table {
            caption: "Async actions, newest first",
            columns: vec!["Type", "Status", "Progress", "Created", "Updated"],
            rows: found.iter().map(row).collect(),
        }),
        empty: Empty {
            text: "There are no async actions yet. This call starts one:".to_owned(),
            command: project.command("/v1/customers/bulk/async", body),
        },
        pager: Pager {
            first: (!before.is_empty()).then(|| list_link.clone()),
            next: last.map(|before| with_query(&list_link, &[("before", &before)])),
            total: String::new(),
        },
    };
    project.page(Section::Jobs, Page::new("Jobs"), &content)
}
