//! The fields of a call: those of its form or, for a GET request, those of its query.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{Method, StatusCode, header};
use percent_encoding::percent_decode;

use super::error::CallError;
use super::xml::is_xml_character;
use crate::domain::limits::{BODY_BYTES, FORM_FIELDS};
use crate::http::query::all_unread;
use crate::http::unread::{MAX_UNREAD, Unread};
use crate::http::{RequestContext, read_body};

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";

/// Decoded names and values. They contain keys and personal data, so they must not be logged. Fields that are never read are ignored:
/// they are unread, and a strict project refuses them.
pub struct Fields {
    all: Vec<Field>,
    /// Whether the fields are those of the query.
    is_query: bool,
    context: Arc<RequestContext>,
}

struct Field {
    name: String,
    value: String,
    is_read: AtomicBool,
}

impl Fields {
    /// Reads the fields of a request. The query of a POST request is ignored.
    ///
    /// # Errors
    /// Returns an error when the body is not a form, is too large or is incomplete, when there are too many fields, and
    /// when a field is not in UTF-8.
    pub async fn from_request(request: Request, context: &Arc<RequestContext>) -> Result<Self, CallError> {
        let is_query = request.method() == Method::GET;
        let mut fields = Self { all: Vec::new(), is_query, context: Arc::clone(context) };
        let query = request.uri().query().unwrap_or_default();
        if is_query {
            fields.add_url_encoded(query.as_bytes())?;
            return Ok(fields);
        }
        context.note_unread(all_unread(query));
        fields.add_body(request).await?;
        Ok(fields)
    }

    async fn add_body(&mut self, request: Request) -> Result<(), CallError> {
        let (parts, body) = request.into_parts();
        let bytes = read_body(body, BODY_BYTES).await.map_err(|error| match error.status() {
            StatusCode::BAD_REQUEST => CallError::rejected("The body broke off"),
            _ => error.into(),
        })?;
        let media = parts.headers.get(header::CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
        let media = media.split(';').next().unwrap_or_default().trim();
        if media.eq_ignore_ascii_case(MULTIPART) {
            return self.add_multipart(Request::from_parts(parts, Body::from(bytes))).await;
        }
        if bytes.is_empty() || media.is_empty() || media.eq_ignore_ascii_case(URL_ENCODED) {
            return self.add_url_encoded(&bytes);
        }
        Err(CallError::rejected(format!("The body must be {URL_ENCODED} or {MULTIPART}")))
    }

    fn add_url_encoded(&mut self, text: &[u8]) -> Result<(), CallError> {
        // Check the encoding first, because the parser would replace invalid bytes by U+FFFD.
        percent_decode(text).decode_utf8().map_err(|_| not_utf8())?;
        for (name, value) in form_urlencoded::parse(text) {
            self.add(name.into_owned(), value.into_owned())?;
        }
        Ok(())
    }

    async fn add_multipart(&mut self, request: Request) -> Result<(), CallError> {
        let invalid_form =
            || CallError::rejected(format!("The body must be {MULTIPART}, whole and with its boundaries"));
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| invalid_form())?;
        while let Some(part) = form.next_field().await.map_err(|_| invalid_form())? {
            let name = part.name().unwrap_or_default().to_owned();
            let value = part.bytes().await.map_err(|_| invalid_form())?;
            self.add(name, String::from_utf8(value.into()).map_err(|_| not_utf8())?)?;
        }
        Ok(())
    }

    fn add(&mut self, name: String, value: String) -> Result<(), CallError> {
        if self.all.len() == FORM_FIELDS {
            return Err(CallError::rejected(format!("There must not be more than {FORM_FIELDS} fields")));
        }
        self.all.push(Field { name, value, is_read: AtomicBool::new(false) });
        Ok(())
    }

    /// Returns the last value of a field, which can be empty, or `None` when the field was not sent.
    pub fn sent(&self, name: &str) -> Option<&str> {
        let named = self.all.iter().filter(|field| field.name == name);
        named.inspect(|field| field.is_read.store(true, Ordering::Relaxed)).last().map(|field| field.value.as_str())
    }

    /// Marks fields as read that the operation knows and deliberately does not use.
    pub fn ignore(&self, names: &[&str]) {
        for name in names {
            self.sent(name);
        }
    }

    /// Reads the fields of an operation by `parse`, after the fields that every call has.
    ///
    /// # Errors
    /// Returns an error in a strict project for a field that was not read; otherwise the error of `parse`.
    pub fn read<'a, T>(&'a self, parse: impl FnOnce(&'a Self) -> Result<T, CallError>) -> Result<T, CallError> {
        let parsed = parse(self)?;
        let unread = self.all.iter().filter(|field| !field.is_read.load(Ordering::Relaxed)).take(MAX_UNREAD);
        let form = if self.is_query { Unread::parameter } else { Unread::member_of_body };
        self.context.note_unread(unread.map(|field| form(&field.name)).collect());
        match self.context.refuse_unread() {
            Ok(()) => Ok(parsed),
            Err(error) => Err(CallError::rejected(error.details().to_owned())),
        }
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
