use std::sync::Arc;

use askama::Template;
use axum::response::Response;

use super::filter::{self, PARAMETERS};
use super::row::{COLUMNS, Links};
use crate::console::components::{Empty, Pager, Table};
use crate::console::error::{PageError, status_with};
use crate::console::link::{with_encoded_query, with_query};
use crate::console::page::{Page, RawQuery};
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view;
use crate::domain::logged_request::{LoggedRequest, RequestFilter};

const REQUESTS_PER_PAGE: usize = 50;
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

#[derive(Template)]
#[template(path = "requests/list.html")]
struct Requests {
    list_link: String,
    /// This page, with its filter.
    reload_link: String,
    /// The events of the page; `None` where nothing new belongs on it.
    stream_link: Option<String>,
    method: String,
    path: String,
    status: String,
    operation: String,
    methods: &'static [&'static str],
    error: Option<String>,
    table: Table,
    empty: Empty,
    pager: Pager,
}

/// GET /_emulator/console/projects/{project}/requests
///
/// Query parameters: `method`, `path`, `status`, `operation`, `after`, and `before`, the id of the request before which the page begins.
pub async fn handle(project: Project, query: RawQuery) -> Result<Response, PageError> {
    let log = &project.console.app.core.request_log;
    let list_link = project.section_link(Section::Requests);
    let values = PARAMETERS.map(|name| query.text(name));
    let parameters: Vec<_> = PARAMETERS.into_iter().zip(values.iter().map(String::as_str)).collect();
    let before = query.text("before");
    let (mut found, mut error) = (Vec::new(), None);
    match filter::read(&query) {
        Ok(filter) => found = page_of_requests(&project, &filter, &before)?,
        Err(text) => error = Some(text),
    }
    let (total, is_first) = (found.len(), before.is_empty());
    found.truncate(REQUESTS_PER_PAGE);
    let links = Links::of(&project);
    let reload_link = with_query(&list_link, &parameters);
    let next = found.last().filter(|_| total > found.len()).map(|last| {
        let rest = query.replaced(&["before", "notice"], "before", last.texts().id);
        with_encoded_query(&list_link, &rest)
    });
    let is_live = is_first && error.is_none() && log.is_on();
    let [method, path, status, operation] = values.clone();
    let status_code = status_with(error.as_ref());
    let content = Requests {
        stream_link: is_live.then(|| with_query(&format!("{list_link}/stream"), &parameters)),
        table: Table {
            caption: "Requests, newest first",
            columns: COLUMNS.to_vec(),
            rows: found.iter().map(|request| links.row(request)).collect(),
        },
        empty: empty(&project, parameters.iter().any(|(_, value)| !value.is_empty())),
        pager: Pager {
            first: (!is_first).then(|| reload_link.clone()),
            next,
            total: view::count(
                i64::try_from(total).unwrap_or(i64::MAX),
                if is_first { "request" } else { "older request" },
                if is_first { "requests" } else { "older requests" },
            ),
        },
        methods: &METHODS,
        reload_link,
        list_link,
        method,
        path,
        status,
        operation,
        error,
    };
    project.page_with(status_code, Section::Requests, Page::new("Requests"), &content)
}

/// Returns the requests that match, newest first. With `before`, only those that are older than this one.
fn page_of_requests(
    project: &Project,
    filter: &RequestFilter,
    before: &str,
) -> Result<Vec<Arc<LoggedRequest>>, PageError> {
    let log = &project.console.app.core.request_log;
    let (mut found, _) = log.list(project.overview.id, filter, usize::MAX)?;
    if !before.is_empty() {
        let position = found.iter().position(|request| request.texts().id == before);
        let position = position.ok_or_else(|| PageError::not_found("request in the log any more"))?;
        found.drain(..=position);
    }
    Ok(found)
}

fn empty(project: &Project, is_filtered: bool) -> Empty {
    if !project.console.app.core.request_log.is_on() {
        return Empty {
            text: "The request log is off. Start the emulator with --request-log 200 to turn it on.".to_owned(),
            command: String::new(),
        };
    }
    if is_filtered {
        return Empty { text: "No request in the log matches.".to_owned(), command: String::new() };
    }
    Empty {
        text: "There are no requests in the log yet. This call is one:".to_owned(),
        command: project.command("/v1/customers", ""),
    }
}
