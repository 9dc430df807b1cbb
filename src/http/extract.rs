//! Extractors for axum which answer with the vendor's error bodies.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::task::spawn_blocking;

use super::connection::request_body::is_timeout;
use super::error::{ApiError, ErrorKind};
use super::parse_budget;
use super::payload::Object;
use super::query::Parameters;
use super::request_context::{RequestContext, RoutePattern, request_context};
use super::unread::Reading;
use crate::domain::identifier::Identifier;
use crate::domain::json::compact;
use crate::domain::limits;

/// A JSON body. Its members can only be read by the methods, so that every handler notes what it does not read, and a strict
/// project refuses that before anything is written.
pub struct Json {
    /// `None` when the request has no body.
    value: Option<Value>,
    context: Arc<RequestContext>,
}

impl Json {
    /// Reads the body, which must be an object, by `parse`.
    ///
    /// # Errors
    /// 400 for another body, and in a strict project for a member that `parse` did not read; otherwise the error of `parse`.
    pub fn read<T>(self, parse: impl FnOnce(Object<'_>) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let Self { value, context } = self;
        context.read(|reading| parse(Object::of_body(value, reading)?))
    }

    /// Reads the body like [`Json::read`]. A missing body counts as an empty object.
    ///
    /// # Errors
    /// Those of [`Json::read`].
    pub fn read_optional<T>(self, parse: impl FnOnce(Object<'_>) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let value = self.value.or_else(|| Some(Value::Object(serde_json::Map::new())));
        Self { value, ..self }.read(parse)
    }

    /// Checks that the body is an object, before it is read.
    ///
    /// # Errors
    /// 400 for another body.
    pub fn require_object(self) -> Result<Self, ApiError> {
        match self.value {
            Some(Value::Object(_)) => Ok(self),
            _ => Err(ApiError::invalid_payload("Payload must be object")),
        }
    }

    /// Accepts any body of an operation that has none.
    ///
    /// # Errors
    /// 400 in a strict project for a body that is not empty and not an empty object.
    pub fn read_none(self) -> Result<(), ApiError> {
        match self.value {
            Some(Value::Object(_)) => self.read(|_| Ok(())),
            Some(_) if self.context.is_strict() => Err(ApiError::invalid_payload("Payload must be object")),
            _ => Ok(()),
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (bytes, context) = json_bytes(request, limits::BODY_BYTES).await?;
        let value = match bytes {
            Some(bytes) => Some(compact::parse(&bytes).map_err(|_| ApiError::new(ErrorKind::MalformedJson))?),
            None => None,
        };
        Ok(Self { value, context })
    }
}

/// The JSON body of a bulk operation, whose size limit is higher. Like [`Json`], it can only be read as a whole.
pub struct BulkJson {
    bytes: Bytes,
    context: Arc<RequestContext>,
}

impl BulkJson {
    /// Reads the bytes of the body by `parse`; they are empty when the request has no body. `parse` runs on the blocking thread pool,
    /// because megabytes take too long for a thread that also answers other requests.
    ///
    /// # Errors
    /// 400 in a strict project for a member that `parse` did not read; otherwise the error of `parse`.
    pub async fn read<T: Send + 'static>(
        self,
        parse: impl FnOnce(&[u8], &Reading) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Self { bytes, context } = self;
        let parsing = spawn_blocking(move || context.read(|reading| parse(&bytes, reading)));
        parsing.await.map_err(|error| ApiError::new(ErrorKind::Internal).with_cause(&error))?
    }
}

impl<S: Send + Sync> FromRequest<S> for BulkJson {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (bytes, context) = json_bytes(request, limits::BULK_BYTES).await?;
        Ok(Self { bytes: bytes.unwrap_or_default(), context })
    }
}

/// Reads a JSON body, and waits until it may be parsed.
async fn json_bytes(request: Request, max_bytes: usize) -> Result<(Option<Bytes>, Arc<RequestContext>), ApiError> {
    let is_json = is_json(request.headers());
    let context = request_context(request.extensions())?;
    let bytes = read_body(request.into_body(), max_bytes).await?;
    match (bytes.is_empty(), is_json) {
        (true, _) => return Ok((None, context)),
        (false, true) => {}
        (false, false) => return Err(ApiError::new(ErrorKind::UnsupportedMediaType)),
    }
    let permit = parse_budget::acquire(bytes.len()).await?;
    // A request has one body, so no permit was set before.
    let _ = context.parse_permit.set(permit);
    Ok((Some(bytes), context))
}

/// Reads the body, at most `max_bytes`. The connection discards the rest of a larger body.
///
/// # Errors
/// 413 when the body is larger, 408 when it does not arrive in time, 400 when the client disconnects or sends a malformed chunk.
pub async fn read_body(mut body: Body, max_bytes: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new(ErrorKind::PayloadTooLarge).with_details(max_bytes.to_string());
    let (mut first, mut read) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            // Otherwise the client disconnected, or sent a malformed chunk.
            ApiError::new(if is_timeout(&error) { ErrorKind::RequestTimeout } else { ErrorKind::MalformedJson })
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + read.len() + data.len() > max_bytes {
            return Err(too_large());
        }
        // Most bodies arrive in one frame, which is then used without a copy.
        if first.is_empty() && read.is_empty() {
            first = data;
            continue;
        }
        read.extend_from_slice(&std::mem::take(&mut first));
        read.extend_from_slice(&data);
    }
    Ok(if read.is_empty() { first } else { read.into() })
}

/// Returns whether the `Content-Type` is JSON. A body without a `Content-Type` counts as JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let media = value.split(';').next().unwrap_or_default().trim();
    media.is_empty()
        || media.eq_ignore_ascii_case("application/json")
        || (media.len() > 5
            && media.is_char_boundary(media.len() - 5)
            && media[media.len() - 5..].eq_ignore_ascii_case("+json"))
}

/// The first identifier in the path, percent-decoded. Bytes that are not UTF-8 are replaced; no object has such an identifier, so
/// the response is 404.
pub struct Id(pub Identifier);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(identifier(parts, 0)))
    }
}

/// The second identifier in the path, decoded like [`Id`].
pub struct InnerId(pub Identifier);

impl<S: Send + Sync> FromRequestParts<S> for InnerId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(identifier(parts, 1)))
    }
}

/// Returns the path segment at the position of the placeholder with that number in the route pattern.
fn identifier(parts: &Parts, number: usize) -> Identifier {
    let pattern = parts.extensions.get::<RoutePattern>().map_or("", |pattern| pattern.0);
    let mut placeholders =
        pattern.split('/').zip(parts.uri.path().split('/')).filter(|(name, _)| name.starts_with('{'));
    let raw = placeholders.nth(number).map_or("", |(_, raw)| raw);
    Identifier::new(percent_decode_str(raw).decode_utf8_lossy().into_owned())
}

/// The query. Like [`Json`], it can only be read as a whole. A parameter that a handler without this extractor gets is unread.
pub struct Query {
    parameters: Parameters,
    context: Arc<RequestContext>,
}

impl Query {
    /// Reads the parameters by `parse`.
    ///
    /// # Errors
    /// 400 in a strict project for a parameter that `parse` did not read; otherwise the error of `parse`.
    pub fn read<T>(self, parse: impl FnOnce(&Parameters) -> Result<T, ApiError>) -> Result<T, ApiError> {
        let parsed = parse(&self.parameters)?;
        self.context.add_unread(self.parameters.unread())?;
        Ok(parsed)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let context = request_context(&parts.extensions)?;
        Ok(Self { parameters: Parameters::parse(parts.uri.query().unwrap_or_default())?, context })
    }
}
