//! A URL-encoded form as request body.

use std::cell::RefCell;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};

use super::body_path::BodyPath;
use super::error::{ApiError, ErrorKind};
use super::extract::read_body;
use super::request_context::{RequestContext, request_context};
use crate::domain::limits;

/// A URL-encoded form; empty when the request has no body. Like the JSON body, it can only be read as a whole.
pub struct Form {
    bytes: Bytes,
    context: Arc<RequestContext>,
}

/// The fields of a form.
pub struct Fields<'a> {
    bytes: &'a [u8],
    known: RefCell<Vec<&'static str>>,
}

impl Form {
    /// Reads the fields by `parse`.
    ///
    /// # Errors
    /// 400 in a strict project for a field that `parse` did not read; otherwise the error of `parse`.
    pub fn read<T>(self, parse: impl FnOnce(&Fields<'_>) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let fields = Fields { bytes: &self.bytes, known: RefCell::default() };
        self.context.read(|reading| {
            let parsed = parse(&fields)?;
            let known = fields.known.take();
            for (name, _) in form_urlencoded::parse(&self.bytes).filter(|(name, _)| !known.contains(&name.as_ref())) {
                reading.add(&BodyPath::default(), name.into_owned());
            }
            Ok(parsed)
        })
    }
}

impl Fields<'_> {
    /// Returns the last value of a field. An empty value counts as absent.
    pub fn text(&self, name: &'static str) -> Option<String> {
        self.known.borrow_mut().push(name);
        let fields = form_urlencoded::parse(self.bytes).filter(|(field, _)| field == name);
        fields.last().map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    }

    /// Returns the last value of a required field.
    ///
    /// # Errors
    /// 400 when the field is absent or empty.
    pub fn required_text(&self, name: &'static str) -> Result<String, ApiError> {
        self.text(name).ok_or_else(|| ApiError::new(ErrorKind::MissingParameters))
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_form = is_form(request.headers());
        let context = request_context(request.extensions())?;
        let bytes = read_body(request.into_body(), limits::FORM_BYTES).await?;
        if bytes.is_empty() || is_form {
            return Ok(Self { bytes, context });
        }
        Err(ApiError::new(ErrorKind::UnsupportedMediaType))
    }
}

/// Returns whether the `Content-Type` is that of a URL-encoded form. A body without a `Content-Type` counts as a form.
fn is_form(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let media = value.to_str().ok().and_then(|value| value.split(';').next()).map(str::trim);
    media.is_some_and(|media| media.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}
