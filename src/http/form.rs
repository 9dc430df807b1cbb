//! A URL-encoded form as request body.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};

use super::error::{ApiError, ErrorKind};
use super::extract::read_body;
use crate::domain::limits;

/// The fields of a URL-encoded form; empty when the request has no body.
pub struct Form(Bytes);

impl Form {
    /// Returns the last value of a field. An empty value counts as absent.
    pub fn text(&self, name: &str) -> Option<String> {
        let fields = form_urlencoded::parse(&self.0).filter(|(field, _)| field == name);
        fields.last().map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    }

    /// Returns the last value of a required field.
    ///
    /// # Errors
    /// 400 when the field is absent or empty.
    pub fn required_text(&self, name: &str) -> Result<String, ApiError> {
        self.text(name).ok_or_else(|| ApiError::new(ErrorKind::MissingParameters))
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let is_form = is_form(request.headers());
        let bytes = read_body(request.into_body(), limits::FORM_BYTES).await?;
        if bytes.is_empty() || is_form {
            return Ok(Self(bytes));
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
