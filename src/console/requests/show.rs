use askama::Template;
use axum::response::Response;

use super::body::Body;
use super::curl;
use super::row::{self, Links};
use crate::console::components::{Cell, Definitions, Table};
use crate::console::error::PageError;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::domain::timestamp;

#[derive(Template)]
#[template(path = "requests/show.html")]
struct Show {
    details: Definitions,
    parameters: Option<Table>,
    unread: Vec<String>,
    near: Vec<String>,
    request: Body,
    response: Body,
    command: String,
}

/// GET /_emulator/console/projects/{project}/requests/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let log = &project.console.app.core.request_log;
    let request = log.get(project.overview.id, &id).ok_or_else(|| PageError::not_found("request in the log"))?;
    let (texts, details) = (request.texts(), &request.details);
    let definitions = Definitions::new([
        ("Time", Cell::time(timestamp::text(details.at))),
        ("Method", Cell::text(texts.method)),
        ("Path", Cell::code(texts.path)),
        ("Query", Cell::code(texts.query)),
        ("Status", row::status(details.status)),
        ("Duration", Cell::text(row::duration(details.duration_micros))),
        ("Operation", Cell::text(details.operation.unwrap_or_default())),
        ("Fault that hit it", Links::of(&project).fault(&request)),
        ("Request id", Cell::code(texts.request_id)),
        ("Id in the log", Cell::code(texts.id)),
    ]);
    let parameters: Vec<_> = form_urlencoded::parse(texts.query.as_bytes())
        .map(|(name, value)| vec![Cell::code(name), Cell::text(value)])
        .collect();
    let content = Show {
        details: definitions,
        parameters: (!parameters.is_empty()).then(|| Table {
            caption: "Parameters with their values",
            columns: vec!["Parameter", "Value"],
            rows: parameters,
        }),
        unread: details.unread.to_vec(),
        near: details.near.to_vec(),
        request: Body::new(texts.request_body, details.request_body_length),
        response: Body::new(texts.response_body, details.response_body_length),
        command: curl::command(&project, &request),
    };
    let page = Page::new(format!("{} {}", texts.method, texts.path))
        .below(project.section_link(Section::Requests), "Requests");
    project.page(Section::Requests, page, &content)
}
