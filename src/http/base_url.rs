//! The base URL of links in responses.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::error::ApiError;
use super::scheme::Scheme;
use super::state::AppState;

/// The scheme of the request and the host of the `Host` header, because a client that is behind a proxy or in a container can reach the emulator
/// only by that name. Without a `Host` header it is the address that the emulator listens on.
pub struct BaseUrl(String);

impl BaseUrl {
    /// Returns the URL of a path.
    pub fn of(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromRequestParts<AppState> for BaseUrl {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let is_plain = |host: &&str| {
            !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
        };
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(is_plain);
        Ok(Self(Scheme::of(&parts.extensions).origin(host.unwrap_or(&app.authority))))
    }
}
