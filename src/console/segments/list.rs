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

/// The largest page of the API.
const SEGMENTS_PER_PAGE: &str = "100";
/// Where the first page begins. With a cursor, the API does not divide segments of one time between two pages.
const END_OF_TIME: &str = "9999-12-31T23:59:59.999Z";

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
    let after = query.text("after");
    let begin = if after.is_empty() { END_OF_TIME } else { &after };
    let page_after =
        |begin: &str, limit: &str| with_query("/v1/segments", &[("limit", limit), ("starting_after", begin)]);
    let segments = project.get(&page_after(begin, SEGMENTS_PER_PAGE)).await?;
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
    let mut next = None;
    if let Some(last) = found.last().map(|last| text(last, "/created_at")) {
        let following = project.get(&page_after(&last, "1")).await?;
        next = Some(last).filter(|_| !items(&following, "/data").is_empty());
    }
    let body = r#"{"name": "Berlin", "type": "auto-update", "filter": {"junction": "and", "address.city": {"conditions": {"$is": ["Berlin"]}}}}"#;
    let content = Segments {
        table: (!found.is_empty()).then_some(table),
        empty: Empty {
            text: "There are no segments yet. Create one with the button above, or with this call:".to_owned(),
            command: project.command("/v1/segments", body),
        },
        pager: Pager {
            first: (!after.is_empty()).then(|| list_link.clone()),
            next: next.map(|after| with_query(&list_link, &[("after", &after)])),
            total: view::count(total, "segment", "segments"),
        },
    };
    let page = Page::new("Segments").action(project.link("/segments/new"), "Create a segment");
    project.page(Section::Segments, page, &content)
}
