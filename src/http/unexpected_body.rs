//! The body of a request whose operation has none.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::timeout;

use super::unread::{MAX_UNREAD, Unread};
use crate::domain::json::compact;

/// A larger body is not read.
const MAX_BYTES: u64 = 16 * 1024;
/// How long the rest of the body may take to arrive. A later body is not read, because nothing needs it.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// Returns the members of a body that no operation reads. It has none when it is large or slow, or is not a JSON object.
pub async fn members(body: &mut Body) -> Vec<Unread> {
    if body.size_hint().upper().is_none_or(|bytes| bytes > MAX_BYTES) {
        return Vec::new();
    }
    let mut read = Vec::new();
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            if let Ok(data) = frame.into_data() {
                read.extend_from_slice(&data);
            }
        }
    };
    match (timeout(MAX_WAIT, reading).await, compact::parse(&read)) {
        (Ok(()), Ok(Value::Object(members))) => {
            members.keys().take(MAX_UNREAD).map(|name| Unread::member_of_body(name)).collect()
        }
        _ => Vec::new(),
    }
}
