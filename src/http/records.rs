//! A body that is an array of records, which may be many.

use axum::body::Bytes;
use serde_json::value::RawValue;

use super::error::{ApiError, ErrorKind};
use crate::domain::job::Record;

/// Reads the records, at most `most`, one by one, beside the threads that answer requests: megabytes take a while.
pub async fn parse(
    body: Option<Bytes>,
    most: usize,
    record: fn(usize, &RawValue) -> Result<Record, ApiError>,
) -> Result<Vec<Record>, ApiError> {
    let body = body.unwrap_or_default();
    let parsing = tokio::task::spawn_blocking(move || {
        let texts = array(&body, most)?;
        texts.into_iter().enumerate().map(|(index, text)| record(index, text)).collect()
    });
    parsing.await.map_err(|error| ApiError::new(ErrorKind::Internal).with_cause(&error))?
}

/// The items of the array, as they were written.
fn array(body: &[u8], most: usize) -> Result<Vec<&RawValue>, ApiError> {
    let is_array = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    if !is_array && (body.is_empty() || serde_json::from_slice::<&RawValue>(body).is_ok()) {
        return Err(ApiError::invalid_payload("Payload must be array"));
    }
    let texts: Vec<&RawValue> = serde_json::from_slice(body).map_err(|_| ApiError::new(ErrorKind::MalformedJson))?;
    if texts.is_empty() {
        return Err(ApiError::invalid_payload("Payload must NOT have fewer than 1 items"));
    }
    if texts.len() > most {
        return Err(ApiError::invalid_payload(format!("Payload must NOT have more than {most} items")));
    }
    Ok(texts)
}
