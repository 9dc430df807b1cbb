//! A form that changes something.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::console::session::Session;

/// A form that is sent with POST. It contains the token of the session.
#[derive(Template)]
#[template(path = "components/form.html")]
pub struct FormView {
    pub action: String,
    /// The text of the button.
    pub submit: String,
    pub fields: Vec<Field>,
    /// Why the form was refused when it was sent before.
    pub error: Option<String>,
    /// Where the way back leads.
    pub cancel: Option<String>,
    /// Whether it removes something.
    pub is_dangerous: bool,
    form_token: String,
}

impl FormView {
    pub fn new(session: &Session, action: impl Into<String>, submit: impl Into<String>, fields: Vec<Field>) -> Self {
        Self {
            action: action.into(),
            submit: submit.into(),
            fields,
            error: None,
            cancel: None,
            is_dangerous: false,
            form_token: session.form_token.clone(),
        }
    }

    /// Adds the way back.
    pub fn or_back_to(self, href: impl Into<String>) -> Self {
        Self { cancel: Some(href.into()), ..self }
    }

    /// Marks a form that removes something.
    pub fn dangerous(self) -> Self {
        Self { is_dangerous: true, ..self }
    }

    /// Shows why the form was refused.
    pub fn refused(self, error: Option<String>) -> Self {
        Self { error, ..self }
    }
}

/// A field of a form.
#[derive(Clone, Debug, Default)]
pub struct Field {
    pub name: String,
    pub label: String,
    pub value: String,
    /// `text`, `password`, `hidden`, `area`, `choice` or `flag`. A flag that is set has the value `on`.
    pub kind: &'static str,
    pub hint: String,
    pub is_required: bool,
    /// The height of an area, in lines.
    pub rows: u8,
    /// The values of a choice.
    pub choices: Vec<String>,
}

impl Field {
    fn new(kind: &'static str, name: &str, label: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), label: label.to_owned(), value: value.into(), kind, ..Self::default() }
    }

    pub fn text(name: &str, label: &str, value: impl Into<String>) -> Self {
        Self::new("text", name, label, value)
    }

    pub fn password(name: &str, label: &str) -> Self {
        Self::new("password", name, label, "")
    }

    pub fn hidden(name: &str, value: impl Into<String>) -> Self {
        Self::new("hidden", name, "", value)
    }

    /// Returns a field of several lines.
    pub fn area(name: &str, label: &str, value: impl Into<String>) -> Self {
        Self { rows: 8, ..Self::new("area", name, label, value) }
    }

    /// Sets the height of an area, in lines.
    pub fn rows(self, rows: u8) -> Self {
        Self { rows, ..self }
    }

    /// Returns a field that takes one of several values.
    pub fn choice(name: &str, label: &str, choices: Vec<String>, value: impl Into<String>) -> Self {
        Self { choices, ..Self::new("choice", name, label, value) }
    }

    /// Returns a field that is set or not.
    pub fn flag(name: &str, label: &str, is_set: bool) -> Self {
        Self::new("flag", name, label, if is_set { "on" } else { "" })
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    pub fn required(self) -> Self {
        Self { is_required: true, ..self }
    }
}

impl HtmlSafe for FormView {}

/// A page that is a form, below a sentence that says what it does. The sentence may be empty.
#[derive(Template)]
#[template(source = "{% if !lead.is_empty() %}<p class=\"lead\">{{ lead }}</p>{% endif %}{{ form }}", ext = "html")]
pub struct FormPage {
    pub lead: String,
    pub form: FormView,
}

impl FormPage {
    pub fn new(lead: impl Into<String>, form: FormView) -> Self {
        Self { lead: lead.into(), form }
    }
}
