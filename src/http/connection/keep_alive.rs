//! Announces how long a client may keep a connection for its next request.

use std::time::Duration;

use axum::http::header::CONNECTION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Version};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// The announcement of one connection: `Keep-Alive: timeout=600`. Clients that know it close the connection before the server does, so
/// that no request is sent on a connection that the server is closing.
#[derive(Debug)]
pub(super) struct Announcement(Option<HeaderValue>);

impl Announcement {
    /// Announces this time in whole seconds; nothing for less than a second.
    pub fn new(time: Duration) -> Self {
        let seconds = time.as_secs();
        Self((seconds > 0).then(|| HeaderValue::try_from(format!("timeout={seconds}")).ok()).flatten())
    }

    /// Returns the announcement in the answer to a request; `None` where the client closes the connection after it, or speaks HTTP/1.0,
    /// which has no such connections by default.
    pub fn for_request<B>(&self, request: &Request<B>) -> Option<&HeaderValue> {
        let keeps = request.version() == Version::HTTP_11 && !closes(request.headers());
        self.0.as_ref().filter(|_| keeps)
    }
}

/// Adds an announcement to an answer, unless the server closes the connection after it.
pub(super) fn announce(value: HeaderValue, headers: &mut HeaderMap) {
    if !closes(headers) {
        // `Keep-Alive` concerns one connection only, and such a header is named by `Connection`.
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert(KEEP_ALIVE, value);
    }
}

/// Returns whether the connection ends after the message with these headers.
fn closes(headers: &HeaderMap) -> bool {
    let mut options = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    options.any(|value| value.split(',').any(|option| option.trim().eq_ignore_ascii_case("close")))
}
