//! The form of an answer: XML, JSON or JSONP.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::answer::Answer;
use super::fields::Fields;
use super::refused::Refused;
use super::xml;

/// Characters of the name of a function.
const CALLBACK_CHARS: usize = 100;
/// A body is never what a browser guesses, and since a GET can ask for everything here, nothing keeps it.
const HEADERS: [(header::HeaderName, HeaderValue); 2] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// What the fields ask for.
#[derive(Default)]
pub struct Output {
    media: Media,
    /// No white space, in JSON and JSONP.
    condensed: bool,
}

#[derive(Default)]
enum Media {
    #[default]
    Xml,
    Json,
    /// With the function to call.
    Jsonp(String),
}

impl Output {
    /// What the fields ask for. A callback that is no name of a function is refused, in JSON and without an echo of it.
    pub fn of(fields: &Fields) -> (Self, Result<(), Refused>) {
        let is = |name, value: &str| fields.get(name).is_some_and(|sent| sent.eq_ignore_ascii_case(value));
        let condensed = is("condensed", "yes");
        let (media, callback) = match fields.get("callback") {
            _ if !is("output", "json") => (Media::Xml, Ok(())),
            None => (Media::Json, Ok(())),
            Some(name) if is_function(name) => (Media::Jsonp(name.to_owned()), Ok(())),
            Some(_) => (Media::Json, Err(Refused::because("Invalid callback"))),
        };
        (Self { media, condensed }, callback)
    }

    /// The answer in this form.
    pub fn response(&self, answer: &Answer) -> Response {
        let (media, body) = match &self.media {
            Media::Xml => ("text/xml; charset=utf-8", xml::document(answer)),
            Media::Json => ("application/json; charset=utf-8", self.json(answer).into_bytes()),
            Media::Jsonp(function) => {
                // Two characters end a line in older JavaScript, and may stand in JSON.
                let json = self.json(answer).replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
                ("application/javascript; charset=utf-8", format!("{function}({json});").into_bytes())
            }
        };
        (HEADERS, [(header::CONTENT_TYPE, HeaderValue::from_static(media))], body).into_response()
    }

    fn json(&self, answer: &Answer) -> String {
        let json = answer.json();
        if self.condensed { json.to_string() } else { format!("{json:#}") }
    }
}

/// Whether it is a name of JavaScript, or such names with dots between them, and nothing else.
fn is_function(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '_' | '$'))
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
    };
    text.len() <= CALLBACK_CHARS && text.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_functions_are_called() {
        let long = "a".repeat(100);
        for name in ["f", "_", "$", "jQuery3_1", "app.on.customer", long.as_str()] {
            assert!(is_function(name), "{name}");
        }
        let longer = "a".repeat(101);
        for other in
            ["", ".", "a.", ".a", "a..b", "1a", "a b", "a(", "a;b", "a[0]", "a-b", "ä", "a\n", "<b>", longer.as_str()]
        {
            assert!(!is_function(other), "{other}");
        }
    }
}
