//! The headers that protect the user.

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};

/// The headers of every answer of the console. Scripts and styles come from its own files only, and no other site may show a page in a
/// frame or read it.
const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    // With `no-referrer`, browsers would send the console's own forms with `Origin: null`.
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// Adds the headers that protect the user.
pub fn protect(headers: &mut HeaderMap) {
    headers.extend(HEADERS.iter().map(|(name, value)| (name.clone(), value.clone())));
}
