//! Which pages may use the client side of a project.

use axum::http::{HeaderMap, header};

use super::error::ApiError;
use crate::domain::credential::ClientAccess;

/// The `Origin` of a request.
///
/// # Errors
/// 401 where there is none.
pub fn required(headers: &HeaderMap) -> Result<&str, ApiError> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).filter(|origin| !origin.is_empty());
    origin.ok_or_else(ApiError::unauthorized)
}

/// That a request comes from a page that the project trusts. The vendor's answer to others is not published: 401 it is.
///
/// # Errors
/// 401 where there is no `Origin`, or one that is not trusted.
pub fn check(headers: &HeaderMap, access: &ClientAccess) -> Result<(), ApiError> {
    let origin = required(headers)?;
    if access.trusted_domains.iter().any(|domain| is_of(origin, domain)) {
        return Ok(());
    }
    Err(ApiError::unauthorized())
}

/// Whether an origin is of a trusted domain: `*`, the whole origin, its host with or without a port, or `*.` and a parent.
fn is_of(origin: &str, domain: &str) -> bool {
    let (origin, domain) = (origin.to_ascii_lowercase(), domain.trim_end_matches('/').to_ascii_lowercase());
    if domain == "*" || domain == origin {
        return true;
    }
    let authority = origin.split_once("://").map_or(origin.as_str(), |(_, authority)| authority);
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    match domain.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.')),
        None => domain == host || domain == authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_stands_for_origins() {
        let yes = [
            ("https://shop.example", "*"),
            ("null", "*"),
            ("https://shop.example", "https://shop.example"),
            ("https://Shop.example", "shop.example"),
            ("http://localhost:3000", "localhost"),
            ("http://localhost:3000", "localhost:3000"),
            ("http://localhost:3000", "http://localhost:3000/"),
            ("https://a.shop.example:8443", "*.shop.example"),
            ("http://[::1]:3000", "[::1]"),
        ];
        for (origin, domain) in yes {
            assert!(is_of(origin, domain), "{origin} {domain}");
        }
        let no = [
            ("https://shop.example", "http://shop.example"),
            ("https://evilshop.example", "shop.example"),
            ("https://evilshop.example", "*.shop.example"),
            ("https://shop.example", "*.shop.example"),
            ("http://localhost:3000", "localhost:4000"),
            ("https://shop.example.evil", "shop.example"),
            ("null", "shop.example"),
        ];
        for (origin, domain) in no {
            assert!(!is_of(origin, domain), "{origin} {domain}");
        }
    }
}
