use askama::Template;
use axum::response::Response;

use super::filter_words::in_words;
use crate::console::components::{Cell, Definitions, Json, Pager, Table};
use crate::console::customers::list::{page_of_customers, table};
use crate::console::error::PageError;
use crate::console::link::{encoded, with_query};
use crate::console::page::{Page, RawQuery};
use crate::console::project::{ItemId, Project};
use crate::console::section::Section;
use crate::console::view::{self, text};

#[derive(Template)]
#[template(path = "segments/show.html")]
struct Show {
    details: Definitions,
    words: Option<String>,
    filter: Option<Json>,
    members: Option<Table>,
    pager: Pager,
    delete_link: String,
}

/// GET /_emulator/console/projects/{project}/segments/{id}
///
/// Query parameter: `after`, where the page of members begins.
pub async fn handle(project: Project, ItemId(id): ItemId, query: RawQuery) -> Result<Response, PageError> {
    let segment = project.get(&format!("/v1/segments/{}", encoded(&id))).await?;
    let id = text(&segment, "/id");
    let after = query.text("after");
    let of_members = RawQuery(with_query("", &[("after", &after)]).trim_start_matches('?').to_owned());
    let members = page_of_customers(&project, &of_members, Some(&id)).await?;
    let filter = segment.get("filter").filter(|filter| !filter.is_null());
    let link = project.link(&format!("/segments/{}", encoded(&id)));
    let content = Show {
        details: Definitions::new([
            ("Id", Cell::code(&id)),
            ("Type", Cell::badge(text(&segment, "/type"), "")),
            ("Created", Cell::time(text(&segment, "/created_at"))),
            ("Updated", Cell::time(text(&segment, "/updated_at"))),
        ]),
        words: filter.map(in_words),
        filter: filter.map(Json::new),
        members: (!members.customers.is_empty()).then(|| table(&project, &members.customers)),
        pager: Pager {
            first: (!after.is_empty()).then(|| link.clone()),
            next: members.next.map(|next| with_query(&link, &[("after", &next)])),
            total: view::count(members.total, "member", "members"),
        },
        delete_link: format!("{link}/delete"),
    };
    let page = Page::new(text(&segment, "/name")).below(project.section_link(Section::Segments), "Segments");
    project.page(Section::Segments, page, &content)
}
