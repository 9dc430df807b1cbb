use askama::Template;
use axum::response::Response;

use crate::console::components::{Cell, Definitions, Json, Table};
use crate::console::dashboard::Plots;
use crate::console::error::PageError;
use crate::console::link::PATH;
use crate::console::page::Page;
use crate::console::project::Project;
use crate::console::section::Section;
use crate::console::view::text;
use crate::db::project_counts;
use crate::domain::timestamp;

#[derive(Template)]
#[template(path = "projects/show.html")]
struct Overview {
    plots: Plots,
    holds: Table,
    details: Definitions,
    settings: Json,
    keys: String,
}

/// GET /_emulator/console/projects/{project}
pub async fn handle(project: Project) -> Result<Response, PageError> {
    let mut settings = project.get("/_emulator/project").await?;
    if let Some(members) = settings.as_object_mut() {
        // The secret signs the messages of webhooks.
        members.remove("webhook_token");
    }
    let core = &project.console.app.core;
    let mut connection = core.pool.acquire_for(project.overview.id).await?;
    let counts = project_counts::count_bounded(&mut connection, project.overview.id).await?;
    connection.release();

    let overview = &project.overview;
    let row = |name: &str, path: &str, number: i64| {
        let name = Cell::text(name);
        let number = if number > project_counts::MAX_COUNTED && path != "/customers" && path != "/orders" {
            Cell { class: "number", ..Cell::text(format!("more than {}", project_counts::MAX_COUNTED)) }
        } else {
            Cell::number(number)
        };
        vec![if path.is_empty() { name } else { name.to(project.link(path)) }, number]
    };
    let holds = Table {
        caption: "What the project holds",
        columns: vec!["Objects", "Number"],
        rows: vec![
            row("Customers", "/customers", overview.customers),
            row("Orders", "/orders", overview.orders),
            row("Custom events", "/events", counts.events),
            row("Segments", "/segments", counts.segments),
            row("Consents", "/consents", counts.consents),
            row("Metadata schemas", "/metadata-schemas", counts.metadata_schemas),
            row("Custom event schemas", "", counts.event_schemas),
            row("Activity entries", "", counts.activity),
            row("Webhooks and distributions", "/webhooks", counts.webhooks),
            row("Webhook deliveries", "/webhooks", counts.deliveries),
            row("Async actions", "/jobs", counts.jobs),
            row("Exports", "/exports", counts.exports),
            row("Unconfirmed customers", "", counts.unconfirmed_customers),
            row("Permanent deletions", "", counts.permanent_deletions),
        ],
    };
    let yes_or_no = |is_so: bool| Cell::text(if is_so { "yes" } else { "no" });
    let now = core.now(&project.caller());
    let details = Definitions::new([
        ("Project id", Cell::code(&overview.public_id)),
        ("Name", Cell::text(&overview.name)),
        ("Default project", yes_or_no(overview.is_sandbox)),
        ("Strict", yes_or_no(overview.control.is_strict || project.console.app.is_strict)),
        ("Created", Cell::time(timestamp::text(overview.created_at))),
        ("Time of the project", Cell::time(timestamp::text(now))),
        ("Currency", Cell::text(text(&settings, "/currency"))),
        ("Time zone", Cell::text(text(&settings, "/timezone"))),
    ]);
    let plots = Plots::read(&project).await?;
    let content = Overview { plots, holds, details, settings: Json::new(&settings), keys: project.link("/keys") };
    project.page(Section::Overview, Page::new("Overview").below(PATH, "Projects"), &content)
}
