use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::filter_words::in_words;
use crate::console::components::{Cell, Empty, Pager, Table};
use crate::console::error::PageError;
use crate::console::link::{encoded, with_query};
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::{self, integer, items, text};

const SEGMENTS_PER_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "segments/list.html")]
struct Segments {
    table: Option<Table>,
    empty: Empty,
    pager: Pager,
}

/// GET /_emulator/console/projects/{project}/segments
///
/// Query parameter: `after`, the time after which the page begins.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let list_link = project.section_link(Section::Segments);
    let (after, limit) = (query.text("after"), SEGMENTS_PER_PAGE.to_string());
    let parameters = [("limit", limit.as_str()), ("starting_after", after.as_str())];
    let segments = project.get(&with_query("/v1/segments", &parameters)).await?;
    let (found, total) = (items(&segments, "/data"), integer(&segments, "/total"));
    let row = |segment: &Value| {
        let id = text(segment, "/id");
        let link = project.link(&format!("/segments/{}", encoded(&id)));
        vec![
            Cell::text(text(segment, "/name")).to(link),
            Cell::badge(text(segment, "/type"), ""),
            Cell::text(segment.get("filter").filter(|filter| !filter.is_null()).map(in_words).unwrap_or_default()),
            Cell::time(text(segment, "/created_at")),
        ]
    };
    let table = Table {
        caption: "Segments",
        columns: vec!["Name", "Type", "Filter", "Created"],
        rows: found.iter().map(row).collect(),
    };
    let last = found.last().filter(|_| found.len() == SEGMENTS_PER_PAGE).map(|last| text(last, "/created_at"));
    let body = r#"{"name": "Berlin", "type": "auto-update", "filter": {"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}}}"#;
    let content = Segments {
        table: (!found.is_empty()).then_some(table),
        empty: Empty {
            text: "There are no segments yet. Create one with the button above, or with this call:".to_owned(),
            command: project.command("/v1/segments", body),
        },
        pager: Pager {
            first: (!after.is_empty()).then(|| list_link.clone()),
            next: last.map(|after| with_query(&list_link, &[("after", &after)])),
            total: view::count(total, "segment", "segments"),
        },
    };
    let page = Page::new("Segments").action(project.link("/segments/new"), "Create a segment");
    project.page(Section::Segments, page, &content)
}
