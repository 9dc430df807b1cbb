//! The fields of a call: those of its form or, for a GET request, those of its query.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{Method, StatusCode, header};
use percent_encoding::percent_decode;

use super::error::CallError;
use super::xml::is_xml_character;
use crate::domain::limits::{BODY_BYTES, FORM_FIELDS};
use crate::http::read_body;

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// Decoded names and values. They contain keys and personal data, so they must not be logged.
#[derive(Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads the fields of a request. The query of a POST request is ignored.
    ///
    /// # Errors
    /// Returns an error when the body is not a form, is too large or is incomplete, when there are too many fields, and
    /// when a field is not in UTF-8.
    pub async fn from_request(request: Request) -> Result<Self, CallError> {
        if request.method() == Method::GET {
            return Self::url_encoded(request.uri().query().unwrap_or_default().as_bytes());
        }
        let (parts, body) = request.into_parts();
        let bytes = read_body(body, BODY_BYTES).await.map_err(|error| match error.status() {
            StatusCode::BAD_REQUEST => CallError::rejected("The body broke off"),
            _ => error.into(),
        })?;
        let media = parts.headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
        let media = media.split(';').next().unwrap_or_default().trim();
        if media.eq_ignore_ascii_case(MULTIPART) {
            return Self::multipart(Request::from_parts(parts, Body::from(bytes))).await;
        }
        if bytes.is_empty() || media.is_empty() || media.eq_ignore_ascii_case(URL_ENCODED) {
            return Self::url_encoded(&bytes);
        }
        Err(CallError::rejected(format!("The body must be {URL_ENCODED} or {MULTIPART}")))
    }

    fn url_encoded(text: &[u8]) -> Result<Self, CallError> {
        // Check the encoding first, because the parser would replace invalid bytes by U+FFFD.
        percent_decode(text).decode_utf8().map_err(|_| not_utf8())?;
        let mut fields = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            fields.add(name.into_owned(), value.into_owned())?;
        }
        Ok(fields)
    }

    async fn multipart(request: Request) -> Result<Self, CallError> {
        let invalid_form =
            || CallError::rejected(format!("The body must be {MULTIPART}, whole and with its boundaries"));
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| invalid_form())?;
        let mut fields = Self::default();
        while let Some(part) = form.next_field().await.map_err(|_| invalid_form())? {
            let name = part.name().unwrap_or_default().to_owned();
            let value = part.bytes().await.map_err(|_| invalid_form())?;
            fields.add(name, String::from_utf8(value.into()).map_err(|_| not_utf8())?)?;
        }
        Ok(fields)
    }

    fn add(&mut self, name: String, value: String) -> Result<(), CallError> {
        if self.0.len() == FORM_FIELDS {
            return Err(CallError::rejected(format!("There must not be more than {FORM_FIELDS} fields")));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// Returns the last value of a field, which can be empty, or `None` when the field was not sent.
    pub fn sent(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(sent, _)| sent == name).map(|(_, value)| value.as_str())
    }

    /// Returns the last value of a field, or `None` when it is empty or was not sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.sent(name).filter(|value| !value.is_empty())
    }

    /// Returns the value of a required field.
    ///
    /// # Errors
    /// Returns an error when the field is empty or was not sent.
    pub fn required(&self, name: &str) -> Result<&str, CallError> {
        self.get(name).ok_or_else(|| CallError::rejected(format!("{name} is required")))
    }

    /// Returns the last value of a field that will be stored, or `None` when it was not sent. The value can be empty.
    ///
    /// # Errors
    /// Returns an error when the value has more than `max_chars` characters, or contains one that XML does not
    /// allow, which the answers could not return.
    pub fn text(&self, name: &str, max_chars: usize) -> Result<Option<&str>, CallError> {
        let Some(text) = self.sent(name) else { return Ok(None) };
        if !text.chars().all(is_xml_character) {
            return Err(CallError::rejected(format!("{name} must not hold characters that XML cannot")));
        }
        if text.chars().count() > max_chars {
            return Err(CallError::rejected(format!("{name} must not have more than {max_chars} characters")));
        }
        Ok(Some(text))
    }
}

/// Returns the error for a form in another encoding, which would be stored with wrong letters.
fn not_utf8() -> CallError {
    CallError::rejected("The fields must be in UTF-8")
}
