//! Successful responses.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::objects::ObjectWriter;

/// The content type of every JSON body.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Returns 200 with the JSON body that `write` writes.
pub fn json(write: impl FnOnce(&mut Vec<u8>)) -> Response {
    json_sized(1024, write)
}

/// Returns the same as [`json`]; `bytes` is the expected size of the body.
pub fn json_sized(bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Response {
    let mut out = Vec::with_capacity(bytes);
    write(&mut out);
    ([(header::CONTENT_TYPE, JSON)], Body::from(out)).into_response()
}

/// Returns 202 with the id of the async action that was created.
#[must_use]
pub fn accepted(async_action_id: &str) -> Response {
    let mut response = async_action_id_of(async_action_id);
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// Returns 200 with the id of the async action that was created.
#[must_use]
pub fn async_action_id_of(id: &str) -> Response {
    json(|out| ObjectWriter::new(out).text("async_action_id", id).end())
}
