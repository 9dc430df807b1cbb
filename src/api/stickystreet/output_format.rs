//! The format of an answer: XML, JSON or JSONP.

use std::sync::OnceLock;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::error::CallError;
use super::fields::Fields;
use super::xml;

/// The maximum length of a callback's name, in characters.
const MAX_CALLBACK_CHARS: usize = 100;
/// No cache may store the answer, because a GET request can do everything here.
const HEADERS: [(HeaderName, HeaderValue); 1] = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
/// Forbids browsers to load the answer into a page of another site, for instance as a script.
const SAME_SITE_ONLY: [(HeaderName, HeaderValue); 1] =
    [(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-site"))];

/// The requested format.
#[derive(Default)]
pub struct OutputFormat {
    syntax: Syntax,
    /// Whether JSON and JSONP are written without white space.
    condensed: bool,
    /// Set when pages of other sites may load the answer.
    other_sites_allowed: OnceLock<()>,
}

#[derive(Default)]
enum Syntax {
    #[default]
    Xml,
    Json,
    /// JSONP, with the name of the function to call.
    Jsonp(String),
}

impl OutputFormat {
    /// Reads the requested format. An invalid callback is rejected in JSON, and the error does not contain its name.
    pub fn read(fields: &Fields) -> (Self, Result<(), CallError>) {
        let is = |name, value: &str| fields.get(name).is_some_and(|sent| sent.eq_ignore_ascii_case(value));
        let condensed = is("condensed", "yes");
        let (syntax, callback) = match fields.get("callback") {
            _ if !is("output", "json") => (Syntax::Xml, Ok(())),
            None => (Syntax::Json, Ok(())),
            Some(name) if is_function_name(name) => (Syntax::Jsonp(name.to_owned()), Ok(())),
            Some(_) => (Syntax::Json, Err(CallError::rejected("Invalid callback"))),
        };
        (Self { syntax, condensed, other_sites_allowed: OnceLock::new() }, callback)
    }

    /// Lets pages of other sites load the answer.
    pub fn allow_other_sites(&self) {
        let _ = self.other_sites_allowed.set(());
    }

    /// Returns the HTTP response for the answer in this format.
    pub fn response(&self, answer: &Answer) -> Response {
        let (media, body) = match &self.syntax {
            Syntax::Xml => ("text/xml; charset=utf-8", xml::document(answer)),
            Syntax::Json => ("application/json; charset=utf-8", self.json(answer).into_bytes()),
            Syntax::Jsonp(function) => {
                // Escape the two characters that JSON allows in a string but older JavaScript reads as line ends.
                let json = self.json(answer).replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
                ("application/javascript; charset=utf-8", format!("{function}({json});").into_bytes())
            }
        };
        let policy = self.other_sites_allowed.get().is_none().then_some(SAME_SITE_ONLY);
        let mut response = (HEADERS, [(header::CONTENT_TYPE, HeaderValue::from_static(media))], body).into_response();
        response.headers_mut().extend(policy.into_iter().flatten());
        response
    }

    fn json(&self, answer: &Answer) -> String {
        let json = answer.json();
        if self.condensed { json.to_string() } else { format!("{json:#}") }
    }
}

/// Returns whether the text is a `JavaScript` identifier, or several separated by dots.
fn is_function_name(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '$'))
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
    };
    text.len() <= MAX_CALLBACK_CHARS && text.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_function_names_are_accepted_as_callbacks() {
        let long = "a".repeat(100);
        for name in ["f", "_", "$", "jQuery3_1", "app.on.customer", long.as_str()] {
            assert!(is_function_name(name), "{name}");
        }
        let longer = "a".repeat(101);
        for other in
            ["", ".", "a.", ".a", "a..b", "1a", "a b", "a(", "a;b", "a[0]", "a-b", "ä", "a\n", "<b>", longer.as_str()]
        {
            assert!(!is_function_name(other), "{other}");
        }
    }
}
