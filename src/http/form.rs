//! A form as body.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};

use super::error::{ApiError, ErrorKind};
use super::extract::read_body;
use crate::domain::limits;

/// The fields of an URL-encoded form; none where the request has no body.
pub struct Form(Bytes);

impl Form {
    /// The last value of a field; an empty one counts as not sent.
    pub fn text(&self, name: &str) -> Option<String> {
        let fields = form_urlencoded::parse(&self.0).filter(|(field, _)| field == name);
        fields.last().map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
    }

    /// [`Form::text`] of a field without which nothing can be done.
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

/// Whether the body is said to be a form; one that is not said to be anything is taken for it.
fn is_form(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let media = value.to_str().ok().and_then(|value| value.split(';').next()).map(str::trim);
    media.is_some_and(|media| media.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}
