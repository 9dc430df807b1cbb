//! Reads a body that is an array with many records.

use axum::body::Bytes;
use serde_json::value::RawValue;

use super::error::{ApiError, ErrorKind};
use crate::domain::job::Record;

/// Reads at most `max` records, each by `record`. It runs on the blocking thread pool, because megabytes take too long for a thread
/// that also answers other requests.
pub async fn parse(
    body: Option<Bytes>,
    max: usize,
    record: fn(usize, &RawValue) -> Result<Record, ApiError>,
) -> Result<Vec<Record>, ApiError> {
    let body = body.unwrap_or_default();
    let parsing = tokio::task::spawn_blocking(move || {
        let texts = array(&body, max)?;
        texts.into_iter().enumerate().map(|(index, text)| record(index, text)).collect()
    });
    parsing.await.map_err(|error| ApiError::new(ErrorKind::Internal).with_cause(&error))?
}

/// Returns the raw texts of the items of the array.
fn array(body: &[u8], max: usize) -> Result<Vec<&RawValue>, ApiError> {
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if !is_array && (body.is_empty() || serde_json::from_slice::<&RawValue>(body).is_ok()) {
        return Err(ApiError::invalid_payload("Payload must be array"));
    }
    let texts: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| ApiError::new(ErrorKind::MalformedJson))?;
    if texts.is_empty() {
        return Err(ApiError::invalid_payload("Payload must NOT have fewer than 1 items"));
    }
    if texts.len() > max {
        return Err(ApiError::invalid_payload(format!("Payload must NOT have more than {max} items")));
    }
    Ok(texts)
}
