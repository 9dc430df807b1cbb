//! Parts that several pages have. Each is a small template; `{{ part }}` in the template of a page shows it.

mod form_view;
mod table;

use askama::Template;
use askama::filters::HtmlSafe;
use serde_json::Value;

pub use form_view::{Field, FormPage, FormView};
pub use table::{Cell, Row, Table, TableRow, grouped};

use super::link::Link;

/// A paragraph that says what happened.
#[derive(Template)]
#[template(source = "<p class=\"lead\">{{ text }}</p>", ext = "html")]
pub struct Message {
    pub text: String,
}

/// JSON, indented.
#[derive(Template)]
#[template(source = "<pre class=\"code\" tabindex=\"0\"><code>{{ text }}</code></pre>", ext = "html")]
pub struct Json {
    pub text: String,
}

impl Json {
    pub fn new(value: &Value) -> Self {
        Self { text: serde_json::to_string_pretty(value).unwrap_or_default() }
    }
}

/// What is shown in place of an empty list: what would be here, and the call that creates it.
#[derive(Template)]
#[template(path = "components/empty.html")]
pub struct Empty {
    pub text: String,
    /// The command line, if a call creates the first object.
    pub command: String,
}

/// Links to the first and the next page of a list.
#[derive(Template)]
#[template(path = "components/pager.html")]
pub struct Pager {
    /// The first page; `None` on the first page itself.
    pub first: Option<String>,
    pub next: Option<String>,
    /// How many objects there are, in words.
    pub total: String,
}

/// Names with values.
#[derive(Template)]
#[template(path = "components/definitions.html")]
pub struct Definitions {
    pub entries: Vec<(String, Cell)>,
}

impl Definitions {
    pub fn new(entries: impl IntoIterator<Item = (&'static str, Cell)>) -> Self {
        Self { entries: entries.into_iter().map(|(name, cell)| (name.to_owned(), cell)).collect() }
    }
}

/// Links to the parts of one object.
#[derive(Template)]
#[template(path = "components/tabs.html")]
pub struct Tabs {
    pub label: &'static str,
    pub links: Vec<(Link, bool)>,
}

impl HtmlSafe for Message {}
impl HtmlSafe for Json {}
impl HtmlSafe for Empty {}
impl HtmlSafe for Pager {}
impl HtmlSafe for Definitions {}
impl HtmlSafe for Tabs {}
