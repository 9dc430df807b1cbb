use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::Value;

use super::control::{self, Control, attempt};
use super::fault_form::{GROUPS, Kind, METHODS, OPERATIONS, new_fault};
use crate::console::components::{Cell, Empty};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::link::encoded;
use crate::console::page::redirect;
use crate::console::project::{ItemId, Project};
use crate::console::view::{integer, items, text};

/// The members that say which calls or webhook deliveries a fault hits. They are shown apart from what it does.
const TARGET_MEMBERS: [&str; 5] = ["operation", "method", "path", "webhook", "event"];
/// The members that are columns of their own.
const OTHER_MEMBERS: [&str; 4] = ["id", "object", "matches", "hits"];

#[derive(Template)]
#[template(path = "controls/faults.html")]
struct Faults<'a> {
    link: String,
    form_token: &'a str,
    rows: Vec<FaultRow>,
    empty: Empty,
}

/// A fault in the list.
struct FaultRow {
    id: String,
    target: String,
    effect: String,
    matches: Cell,
    hits: Cell,
    is_used_up: bool,
    delete_link: String,
}

#[derive(Template)]
#[template(path = "controls/fault_new.html")]
struct New<'a> {
    action: String,
    cancel: String,
    form_token: &'a str,
    error: Option<String>,
    groups: Vec<Group<'a>>,
    operations: &'a [String],
    methods: &'a [&'a str],
}

/// Fields with what was entered.
struct Group<'a> {
    title: &'static str,
    fields: Vec<Input<'a>>,
}

struct Input<'a> {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: &'a str,
    kind: Kind,
}

/// GET /_emulator/console/projects/{project}/controls/faults
pub async fn list(project: Project) -> Result<Response, PageError> {
    let faults = project.get("/_emulator/faults").await?;
    let link = Control::Faults.link(&project);
    let content = Faults {
        form_token: &project.visit.session.form_token,
        rows: items(&faults, "/data").iter().map(|fault| row(fault, &link)).collect(),
        empty: Empty {
            text: "No faults yet. A test creates one with this call:".to_owned(),
            command: project
                .command("/_emulator/faults", r#"{"operation": "create-customer", "status": 503, "times": 1}"#),
        },
        link,
    };
    control::page(&project, Control::Faults, false, &content)
}

fn row(fault: &Value, link: &str) -> FaultRow {
    let id = text(fault, "/id");
    let target: Vec<_> = TARGET_MEMBERS.iter().map(|name| text(fault, &format!("/{name}"))).collect();
    let target = target.join(" ").trim().to_owned();
    let target = if fault.get("webhook").is_some() { format!("webhook {target}") } else { target };
    let times = fault.get("times").and_then(Value::as_i64);
    FaultRow {
        delete_link: format!("{link}/{}/delete", encoded(&id)),
        target: if target.is_empty() { "every call".to_owned() } else { target },
        effect: effect(fault),
        matches: Cell::number(integer(fault, "/matches")),
        hits: Cell::number(integer(fault, "/hits")),
        is_used_up: times.is_some_and(|times| integer(fault, "/hits") >= times),
        id,
    }
}

/// Returns the members that say what a fault does, without those that have their default.
fn effect(fault: &Value) -> String {
    let members = fault.as_object().into_iter().flatten();
    let shown = members.filter(|(name, value)| {
        let is_default =
            (*name == "skip" && **value == 0) || (matches!(name.as_str(), "after" | "fail") && **value == false);
        let is_shown_elsewhere = TARGET_MEMBERS.contains(&name.as_str()) || OTHER_MEMBERS.contains(&name.as_str());
        !is_default && !is_shown_elsewhere
    });
    let parts: Vec<_> = shown
        .map(|(name, value)| match value {
            Value::String(text) => format!("{name} {text}"),
            other => format!("{name} {other}"),
        })
        .collect();
    parts.join(", ")
}

/// GET /_emulator/console/projects/{project}/controls/faults/new
pub async fn new(project: Project) -> Result<Response, PageError> {
    new_page(&project, &Form::default(), None)
}

/// POST /_emulator/console/projects/{project}/controls/faults/new
pub async fn create(project: Project, form: Form) -> Result<Response, PageError> {
    let body = match new_fault(&form) {
        Ok(body) => body,
        Err(error) => return new_page(&project, &form, Some(error)),
    };
    match attempt(&project, Method::POST, "/_emulator/faults", Some(&body)).await? {
        Ok(_) => Ok(redirect(&Control::Faults.link(&project), "fault-created")),
        Err(error) => new_page(&project, &form, Some(error)),
    }
}

fn new_page(project: &Project, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let link = Control::Faults.link(project);
    let groups = GROUPS.iter().map(|group| Group {
        title: group.title,
        fields: group
            .fields
            .iter()
            .map(|field| Input {
                name: field.name,
                label: field.label,
                hint: field.hint,
                value: form.text(field.name),
                kind: field.kind,
            })
            .collect(),
    });
    let is_refused = error.is_some();
    let content = New {
        action: format!("{link}/new"),
        cancel: link,
        form_token: &project.visit.session.form_token,
        error,
        groups: groups.collect(),
        operations: &OPERATIONS,
        methods: &METHODS,
    };
    control::page_below(project, Control::Faults, "Create a fault", is_refused, &content)
}

/// POST /_emulator/console/projects/{project}/controls/faults/{id}/delete
pub async fn delete(project: Project, ItemId(id): ItemId) -> Result<Response, PageError> {
    project.send(Method::DELETE, &format!("/_emulator/faults/{}", encoded(&id)), None).await?;
    Ok(redirect(&Control::Faults.link(&project), "fault-deleted"))
}

/// POST /_emulator/console/projects/{project}/controls/faults/delete
pub async fn delete_all(project: Project) -> Result<Response, PageError> {
    project.send(Method::DELETE, "/_emulator/faults", None).await?;
    Ok(redirect(&Control::Faults.link(&project), "faults-deleted"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::effect;

    #[test]
    fn what_a_fault_does_is_shown_without_defaults() {
        let fault = json!({"id": "fault_1", "object": "fault", "path": "/v1/*", "skip": 0, "times": 2,
            "delay_ms": {"min": 1, "max": 2}, "connection": "reset", "after": false, "matches": 0, "hits": 0});
        assert_eq!(effect(&fault), r#"times 2, delay_ms {"min":1,"max":2}, connection reset"#);
    }
}
