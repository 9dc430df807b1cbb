//! Axum's extractors with the vendor's error bodies.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::time::timeout;

use super::error::{ApiError, ErrorKind};
use super::query::Query;
use crate::domain::identifier::Identifier;
use crate::domain::limits;

/// How much of a body that is too large is read to its end, and for how long.
const DISCARDED_BYTES: usize = 64 * 1024 * 1024;
const DISCARD_WITHIN: Duration = Duration::from_secs(5);

/// A JSON body, parsed; `None` where the request has none.
pub struct Json(pub Option<Value>);

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let Some(bytes) = json_bytes(request, limits::BODY_BYTES).await? else { return Ok(Self(None)) };
        let value = serde_json::from_slice(&bytes).map_err(|_| ApiError::new(ErrorKind::MalformedJson))?;
        Ok(Self(Some(value)))
    }
}

/// The bytes of a JSON body of a bulk path, which may be larger; `None` where the request has none.
pub struct BulkJson(pub Option<Bytes>);

impl<S: Send + Sync> FromRequest<S> for BulkJson {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        json_bytes(request, limits::BULK_BYTES).await.map(Self)
    }
}

async fn json_bytes(request: Request, most: usize) -> Result<Option<Bytes>, ApiError> {
    let is_json = is_json(request.headers());
    let bytes = read_body(request.into_body(), most).await?;
    match (bytes.is_empty(), is_json) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(bytes)),
        (false, false) => Err(ApiError::new(ErrorKind::UnsupportedMediaType)),
    }
}

/// The body, up to the limit. What is beyond is read all the same and thrown away: a client that is still sending would
/// meet a closed connection instead of the answer.
pub async fn read_body(mut body: Body, most: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::new(ErrorKind::PayloadTooLarge).with_details(most.to_string());
    let (mut first, mut read) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        // The client broke off, or sent a chunk that is none.
        let frame = frame.map_err(|_| ApiError::new(ErrorKind::MalformedJson))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + read.len() + data.len() > most {
            discard_rest(body).await;
            return Err(too_large());
        }
        // Mostly the whole body comes at once, and is not copied.
        if first.is_empty() && read.is_empty() {
            first = data;
            continue;
        }
        read.extend_from_slice(&std::mem::take(&mut first));
        read.extend_from_slice(&data);
    }
    Ok(if read.is_empty() { first } else { read.into() })
}

/// Reads what nobody wants of a body, so that its client gets to read the answer.
pub async fn discard_rest(mut body: Body) {
    let discard = async {
        let mut left = DISCARDED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(DISCARD_WITHIN, discard).await;
}

/// Whether the body is said to be JSON; one that is not said to be anything is taken for it.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let media = value.split(';').next().unwrap_or_default().trim();
    media.is_empty()
        || media.eq_ignore_ascii_case("application/json")
        || (media.len() > 5
            && media.is_char_boundary(media.len() - 5)
            && media[media.len() - 5..].eq_ignore_ascii_case("+json"))
}

/// The first identifier in the path, percent-decoded. Bytes that are no UTF-8 are replaced: nothing has such an identifier, and
/// the 404 says so.
pub struct Id(pub Identifier);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(identifier(parts, 0)))
    }
}

/// The second identifier in the path, of something within what the first one names; read as [`Id`].
pub struct InnerId(pub Identifier);

impl<S: Send + Sync> FromRequestParts<S> for InnerId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(identifier(parts, 1)))
    }
}

/// What stands in the path where its pattern has that placeholder.
fn identifier(parts: &Parts, number: usize) -> Identifier {
    let pattern = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let mut placeholders =
        pattern.split('/').zip(parts.uri.path().split('/')).filter(|(name, _)| name.starts_with('{'));
    let raw = placeholders.nth(number).map_or("", |(_, raw)| raw);
    Identifier::new(percent_decode_str(raw).decode_utf8_lossy().into_owned())
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}
