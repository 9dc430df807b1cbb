use askama::Template;
use axum::http::Method;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::control::{self, Control, attempt, unknown_action};
use crate::console::components::{Cell, Definitions};
use crate::console::error::PageError;
use crate::console::form::Form;
use crate::console::page::redirect;
use crate::console::project::Project;
use crate::console::view::text;

/// Common durations, with their names.
const DURATIONS: [(&str, &str); 7] = [
    ("PT1M", "1 minute"),
    ("PT1H", "1 hour"),
    ("P1D", "1 day"),
    ("P1W", "1 week"),
    ("P1M", "1 month"),
    ("P3M", "3 months"),
    ("P1Y", "1 year"),
];

#[derive(Template)]
#[template(path = "controls/clock.html")]
struct Clock<'a> {
    reading: Definitions,
    mode: String,
    action: String,
    form_token: &'a str,
    error: Option<String>,
    /// The action of the form that was refused.
    refused: &'a str,
    durations: &'a [(&'a str, &'a str)],
    by: &'a str,
    now: String,
    frozen: &'a str,
}

/// GET /_emulator/console/projects/{project}/controls/clock
pub async fn show(project: Project) -> Result<Response, PageError> {
    page(&project, &Form::default(), None).await
}

/// POST /_emulator/console/projects/{project}/controls/clock
pub async fn change(project: Project, form: Form) -> Result<Response, PageError> {
    const CLOCK: &str = "/_emulator/clock";
    let (method, path, body) = match form.text("action") {
        "advance" => (Method::POST, "/_emulator/clock/advance", json!({"by": form.text("by").trim()})),
        "set" => (Method::PUT, CLOCK, setting(&form)),
        "freeze" => (Method::PUT, CLOCK, json!({"frozen": true})),
        "unfreeze" => (Method::PUT, CLOCK, json!({"frozen": false})),
        "real" => (Method::DELETE, CLOCK, Value::Null),
        _ => return Err(unknown_action()),
    };
    let body = (!body.is_null()).then_some(body);
    match attempt(&project, method, path, body.as_ref()).await? {
        Ok(_) => Ok(redirect(&Control::Clock.link(&project), "clock-changed")),
        Err(error) => page(&project, &form, Some(error)).await,
    }
}

/// Returns the body of the request that sets the clock. A member that was not entered is left out.
fn setting(form: &Form) -> Value {
    let mut body = Map::new();
    let now = form.text("now").trim();
    if !now.is_empty() {
        body.insert("now".to_owned(), now.into());
    }
    match form.text("frozen") {
        "true" => drop(body.insert("frozen".to_owned(), true.into())),
        "false" => drop(body.insert("frozen".to_owned(), false.into())),
        _ => {}
    }
    Value::Object(body)
}

async fn page(project: &Project, form: &Form, error: Option<String>) -> Result<Response, PageError> {
    let clock = project.get("/_emulator/clock").await?;
    let (now, mode) = (text(&clock, "/now"), text(&clock, "/mode"));
    let description = match mode.as_str() {
        "real" => "It shows real time.",
        "offset" => "It runs, at another time than the real one.",
        _ => "It stands still.",
    };
    let is_refused = error.is_some();
    let content = Clock {
        reading: Definitions::new([
            ("Now", Cell::time(&now)),
            ("Mode", Cell::badge(&mode, if mode == "real" { "" } else { "busy" })),
            ("Meaning", Cell::text(description)),
        ]),
        mode,
        action: Control::Clock.link(project),
        form_token: &project.visit.session.form_token,
        error,
        refused: form.text("action"),
        durations: &DURATIONS,
        by: form.text("by"),
        now: if form.text("action") == "set" { form.text("now").to_owned() } else { now },
        frozen: form.text("frozen"),
    };
    control::page(project, Control::Clock, is_refused, &content)
}
