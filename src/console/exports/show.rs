use askama::Template;
use axum::response::Response;

use crate::console::components::{Cell, Definitions, Json};
use crate::console::error::PageError;
use crate::console::jobs::tabs::status;
use crate::console::link::encoded;
use crate::console::page::Page;
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::text;

#[derive(Template)]
#[template(path = "exports/show.html")]
struct Show {
    details: Definitions,
    reload_link: String,
    file_link: Option<String>,
    is_finished: bool,
    parameters: Json,
}

/// GET /_emulator/console/projects/{project}/exports/{id}
pub async fn handle(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    let export = project.get(&format!("/v1/exports/{}", encoded(&id))).await?;
    let link = project.link(&format!("/exports/{}", encoded(&text(&export, "/id"))));
    let state = text(&export, "/status");
    let title = format!("Export of {}", text(&export, "/exported_object"));
    let content = Show {
        details: Definitions::new([
            ("Id", Cell::code(text(&export, "/id"))),
            ("Status", status(&state)),
            ("Object", Cell::text(text(&export, "/exported_object"))),
            ("Created", Cell::time(text(&export, "/created_at"))),
        ]),
        file_link: (state == "DONE").then(|| format!("{link}/file")),
        reload_link: link,
        is_finished: matches!(state.as_str(), "DONE" | "ERROR"),
        parameters: Json::new(&export["parameters"]),
    };
    let page =
        Page::new(title).below(project.section_link(Section::Jobs), "Jobs").below(project.link("/exports"), "Exports");
    project.page(Section::Jobs, page, &content)
}
