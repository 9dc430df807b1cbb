//! Axum's extractors with the vendor's error bodies.

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::error::{ApiError, ErrorKind};
use super::query::Query;
use crate::domain::identifier::Identifier;
use crate::domain::limits;

/// A JSON body, parsed; `None` where the request has none.
pub struct Json(pub Option<Value>);

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json = is_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self(None));
        }
        if !is_json {
            return Err(ApiError::new(ErrorKind::UnsupportedMediaType));
        }
        let value = serde_json::from_slice(&bytes).map_err(|_| ApiError::new(ErrorKind::MalformedJson))?;
        Ok(Self(Some(value)))
    }
}

async fn read<S: Send + Sync>(request: Request<Body>, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(failed) if failed.status().as_u16() == 413 => {
            ApiError::new(ErrorKind::PayloadTooLarge).with_details(limits::BODY_BYTES.to_string())
        }
        // The client broke off, or sent a chunk that is none.
        _ => ApiError::new(ErrorKind::MalformedJson),
    })
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

/// The identifier in the path, percent-decoded. Bytes that are no UTF-8 are replaced: nothing has such an identifier, and
/// the 404 says so.
pub struct Id(pub Identifier);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let decoded = RawPathParams::from_request_parts(parts, state)
            .await
            .ok()
            .and_then(|parameters| parameters.iter().next().map(|(_, value)| value.to_owned()));
        let text = decoded.unwrap_or_else(|| {
            // `/v1/{resource}/{id}`: every identifier stands third.
            let raw = parts.uri.path().split('/').nth(3).unwrap_or_default();
            percent_decode_str(raw).decode_utf8_lossy().into_owned()
        });
        Ok(Self(Identifier::new(text)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}
