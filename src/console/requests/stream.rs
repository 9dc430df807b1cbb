use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::filter;
use super::row::Links;
use crate::console::components::TableRow;
use crate::console::error::PageError;
use crate::console::page::RawQuery;
use crate::console::project::Project;
use crate::domain::logged_request::RequestFilter;
use crate::http::event_stream;
use crate::service::request_log::StreamEvent;

/// GET /_emulator/console/projects/{project}/requests/stream
///
/// Sends one event for each request that matches, as it ends: the row of the table. Query parameters: `method`, `path`, `status`, `operation`.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    if project.visit.is_new {
        return Err(PageError::new(StatusCode::FORBIDDEN, "The session is not known. Open the page again."));
    }
    let filter = filter::read(&query).map_err(|text| PageError::new(StatusCode::BAD_REQUEST, text))?;
    let links = Links::of(&project);
    let core = &project.console.app.core;
    Ok(event_stream::open(core, project.overview.id, move |event| write(&links, &filter, event))?)
}

fn write(links: &Links, filter: &RequestFilter, event: &StreamEvent) -> Vec<u8> {
    let StreamEvent::Request(request) = event else { return Vec::new() };
    if !filter.matches(request) {
        return Vec::new();
    }
    let row = TableRow { row: links.row(request) }.render().unwrap_or_default();
    // Each line of an event begins with its own `data:`.
    format!("data: {}\n\n", row.replace(['\n', '\r'], " ")).into_bytes()
}
