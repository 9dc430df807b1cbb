use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::Value;

use super::control::{self, Control, attempt};
use super::object_counts;
use crate::console::components::{Cell, Definitions, Empty, FormView, Table};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::redirect;
use crate::console::project::{ItemId, Project};
use crate::console::view::{items, text};

#[derive(Template)]
#[template(path = "controls/snapshots.html")]
struct Snapshots<'a> {
    action: String,
    form_token: &'a str,
    error: Option<String>,
    name: &'a str,
    table: Option<Table>,
    empty: Empty,
}

#[derive(Template)]
#[template(path = "controls/snapshot_confirm.html")]
struct Confirm {
    what: &'static str,
    details: Definitions,
    counts: Option<Table>,
    form: FormView,
}

/// GET /_emulator/console/projects/{project}/controls/snapshots
pub async fn list(project: Project) -> Result<Response, PageError> {
    page(&project, &Form::default(), None).await
}

/// POST /_emulator/console/projects/{project}/controls/snapshots
pub async fn create(project: Project, form: Form) -> Result<Response, PageError> {
    let name = form.text("name").trim();
    if name.is_empty() {
        return page(&project, &form, Some("The snapshot must have a name".to_owned())).await;
    }
    match attempt(&project, Method::PUT, &path_of(name), None).await? {
        Ok(_) => Ok(redirect(&Control::Snapshots.link(&project), "snapshot-created")),
        Err(error) => page(&project, &form, Some(error)).await,
    }
}

async fn page(project: &Project, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let snapshots = project.get("/_emulator/snapshots").await?;
    let link = Control::Snapshots.link(project);
    let row = |snapshot: &Value| {
        let name = text(snapshot, "/name");
        let to = |action: &str| format!("{link}/{}/{action}", encoded(&name));
        let counts = object_counts::line(snapshot.get("counts").unwrap_or(&Value::Null));
        vec![
            Cell::code(&name).to(to("restore")),
            Cell::time(text(snapshot, "/created_at")),
            Cell::text(if counts.is_empty() { "nothing".to_owned() } else { counts }),
            Cell::confirmed("Restore", to("restore")),
            Cell::confirmed("Delete", to("delete")),
        ]
    };
    let rows: Vec<_> = items(&snapshots, "/data").iter().map(row).collect();
    let is_refused = error.is_some();
    let content = Snapshots {
        action: link.clone(),
        form_token: &project.visit.session.form_token,
        error,
        name: form.text("name"),
        table: (!rows.is_empty()).then(|| Table {
            caption: "List of snapshots",
            columns: vec!["Name", "Created", "Contains", "Restore", "Delete"],
            rows,
        }),
        empty: Empty {
            text: "No snapshots yet. A test creates one with this call:".to_owned(),
            command: project.command("/_emulator/snapshots/before", "").replacen("curl ", "curl -X PUT ", 1),
        },
    };
    control::page(project, Control::Snapshots, is_refused, &content)
}

/// GET /_emulator/console/projects/{project}/controls/snapshots/{id}/restore
pub async fn confirm_restore(project: Project, ItemId(name): ItemId) -> Result<Response, PageError> {
    let what = "The project becomes exactly what it was. Everything that happened since is lost; keys, faults, the request log and other \
                snapshots stay.";
    confirm(&project, &name, "restore", "Restore", what).await
}

/// POST /_emulator/console/projects/{project}/controls/snapshots/{id}/restore
pub async fn restore(project: Project, ItemId(name): ItemId) -> Result<Response, PageError> {
    project.send(Method::POST, &format!("{}/restore", path_of(&name)), None).await?;
    Ok(redirect(&Control::Snapshots.link(&project), "snapshot-restored"))
}

/// GET /_emulator/console/projects/{project}/controls/snapshots/{id}/delete
pub async fn confirm_delete(project: Project, ItemId(name): ItemId) -> Result<Response, PageError> {
    confirm(&project, &name, "delete", "Delete", "The snapshot is removed. The project stays as it is.").await
}

/// POST /_emulator/console/projects/{project}/controls/snapshots/{id}/delete
pub async fn delete(project: Project, ItemId(name): ItemId) -> Result<Response, PageError> {
    project.send(Method::DELETE, &path_of(&name), None).await?;
    Ok(redirect(&Control::Snapshots.link(&project), "snapshot-deleted"))
}

async fn confirm(
    project: &Project,
    name: &str,
    action: &str,
    verb: &str,
    what: &'static str,
) -> Result<Response, PageError> {
    let snapshot = project.get(&path_of(name)).await?;
    let link = Control::Snapshots.link(project);
    let counts = snapshot.get("counts").unwrap_or(&Value::Null);
    let to = format!("{link}/{}/{action}", encoded(name));
    let form = FormView::new(&project.visit.session, to, format!("{verb} the snapshot"), Vec::new());
    let content = Confirm {
        what,
        details: Definitions::new([
            ("Name", Cell::code(text(&snapshot, "/name"))),
            ("Created", Cell::time(text(&snapshot, "/created_at"))),
        ]),
        counts: object_counts::table("What the snapshot contains", counts, &[]),
        form: form.dangerous().or_back_to(link),
    };
    control::page_below(project, Control::Snapshots, format!("{verb} {name}"), false, &content)
}

fn path_of(name: &str) -> String {
    format!("/_emulator/snapshots/{}", encoded(name))
}
