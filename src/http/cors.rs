//! CORS for the client-side API.

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, AllowPrivateNetwork, CorsLayer};

use crate::domain::local_host::is_local_url;

/// How long a browser may cache the response to a preflight request: the maximum of Chromium.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(2);

/// Returns the CORS layer of all paths under `/client/`, which also answers preflight requests.
///
/// A preflight request carries no keys, so its project, and the origins that the project trusts, are not known yet. Therefore every
/// preflight succeeds, and the origin is checked together with the keys of the actual request. No cookies are involved. An answer to
/// an origin that is not trusted shows nothing but the error, which its page can read.
pub fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        .allow_private_network(AllowPrivateNetwork::predicate(is_local_page))
        .max_age(PREFLIGHT_MAX_AGE)
        .expose_headers([
            HeaderName::from_static("x-rate-limit-limit"),
            HeaderName::from_static("x-rate-limit-remaining"),
            HeaderName::from_static("x-rate-limit-retry"),
            HeaderName::from_static("x-rate-limit-type"),
            header::RETRY_AFTER,
        ])
}

/// Returns whether a page may reach a private network. Only a page of a local host may, because a preflight request does not show
/// whether a project trusts its page.
fn is_local_page(origin: &HeaderValue, _: &Parts) -> bool {
    origin.to_str().is_ok_and(is_local_url)
}
