//! Reads a body that is an array with many records.

use serde_json::value::RawValue;

use super::error::{ApiError, ErrorKind};
use super::extract::BulkJson;
use super::unread::Reading;
use crate::domain::job::Record;

/// Reads at most `max` records, each by `record`.
pub async fn parse(
    body: BulkJson,
    max: usize,
    record: fn(usize, &RawValue, &Reading) -> Result<Record, ApiError>,
) -> Result<Vec<Record>, ApiError> {
    body.read(move |body, reading| {
        let texts = array(body, max)?;
        texts.into_iter().enumerate().map(|(index, text)| record(index, text, reading)).collect()
    })
    .await
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
