//! Checks the origin of a client-side request.

use axum::http::{HeaderMap, header};

use super::error::ApiError;
use crate::domain::project::ClientAccess;

/// Returns the `Origin` header of a request.
///
/// # Errors
/// 401 when there is none.
pub fn required(headers: &HeaderMap) -> Result<&str, ApiError> {
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()).filter(|origin| !origin.is_empty());
    origin.ok_or_else(ApiError::unauthorized)
}

/// Checks that the project trusts the origin of a request. The vendor does not publish its response to other origins; this project
/// answers with 401.
///
/// # Errors
/// 401 when there is no `Origin`, or an untrusted one.
pub fn check(headers: &HeaderMap, access: &ClientAccess) -> Result<(), ApiError> {
    let origin = required(headers)?;
    if access.trusted_domains.iter().any(|domain| matches_domain(origin, domain)) {
        return Ok(());
    }
    Err(ApiError::unauthorized())
}

/// Returns whether an origin matches a trusted domain: `*`, the whole origin, its host with or without a port, `*.` and a parent
/// domain, or a dot and a domain, which also trusts the domain itself.
fn matches_domain(origin: &str, domain: &str) -> bool {
    let (origin, domain) = (origin.to_ascii_lowercase(), domain.trim_end_matches('/').to_ascii_lowercase());
    if domain == "*" || domain == origin {
        return true;
    }
    let authority = origin.split_once("://").map_or(origin.as_str(), |(_, authority)| authority);
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    let is_below = |parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    if let Some(parent) = domain.strip_prefix("*.") {
        return is_below(parent);
    }
    match domain.strip_prefix('.').filter(|parent| !parent.is_empty()) {
        Some(parent) => host == parent || is_below(parent),
        None => domain == host || domain == authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_domain_matches_its_origins() {
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
            ("https://a.shop.example", ".shop.example"),
            ("https://a.b.shop.example:8443", ".Shop.example"),
            ("https://shop.example", ".shop.example"),
        ];
        for (origin, domain) in yes {
            assert!(matches_domain(origin, domain), "{origin} {domain}");
        }
        let no = [
            ("https://shop.example", "http://shop.example"),
            ("https://evilshop.example", "shop.example"),
            ("https://evilshop.example", "*.shop.example"),
            ("https://shop.example", "*.shop.example"),
            ("http://localhost:3000", "localhost:4000"),
            ("https://shop.example.evil", "shop.example"),
            ("null", "shop.example"),
            ("https://evilshop.example", ".shop.example"),
            ("https://shop.example.evil", ".shop.example"),
            ("https://.shop.example.evil", ".shop.example"),
            ("https://a.shop.example", "shop.example"),
            ("https://shop.example", "."),
            ("https://shop.", "."),
        ];
        for (origin, domain) in no {
            assert!(!matches_domain(origin, domain), "{origin} {domain}");
        }
    }
}
