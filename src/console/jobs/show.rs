use askama::Template;
use axum::response::Response;

use super::tabs::status;
use crate::console::components::{Cell, Definitions, Json};
use crate::console::error::PageError;
use crate::console::link::encoded;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{has_content, integer, text};

#[derive(Template)]
#[template(path = "jobs/show.html")]
struct Show {
    details: Definitions,
    reload_link: String,
    is_finished: bool,
    report_link: Option<String>,
    errors: Option<Json>,
    object: Json,
}

/// GET /_emulator/console/projects/{project}/jobs/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let mut action = project.get(&format!("/v1/async-actions/{}", encoded(&id))).await?;
    let link = project.link(&format!("/jobs/{}", encoded(&text(&action, "/id"))));
    let has_report = has_content(&action, "/result/reports");
    if let Some(result) = action.pointer_mut("/result").and_then(serde_json::Value::as_object_mut) {
        // The links contain the token of the download.
        result.remove("reports");
    }
    let state = text(&action, "/status");
    let errors = ["/result/errors", "/result/failed"].into_iter().find(|pointer| has_content(&action, pointer));
    let counted = |pointer: &str| match action.pointer(pointer) {
        Some(_) => Cell::number(integer(&action, pointer)),
        None => Cell::text(""),
    };
    let details = Definitions::new([
        ("Id", Cell::code(text(&action, "/id"))),
        ("Type", Cell::text(text(&action, "/type"))),
        ("Status", status(&state)),
        ("Progress", Cell::progress(integer(&action, "/progress"))),
        ("Outcome", Cell::text(text(&action, "/operation_status"))),
        ("Succeeded", counted("/result/done_count")),
        ("Failed", counted("/result/failed_count")),
        ("Message", Cell::text(text(&action, "/result/message"))),
        ("Created", Cell::time(text(&action, "/created_at"))),
        ("Updated", Cell::time(text(&action, "/updated_at"))),
        ("Report available until", Cell::time(text(&action, "/result/reports_available_till"))),
        ("Request id", Cell::code(text(&action, "/request_id"))),
    ]);
    let content = Show {
        details,
        report_link: has_report.then(|| format!("{link}/report")),
        reload_link: link,
        is_finished: matches!(state.as_str(), "DONE" | "FAILED"),
        errors: errors.and_then(|pointer| action.pointer(pointer)).map(Json::new),
        object: Json::new(&action),
    };
    let page = Page::new(text(&action, "/type")).below(project.section_link(Section::Jobs), "Jobs");
    project.page(Section::Jobs, page, &content)
}
