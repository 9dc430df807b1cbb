//! CORS for the client-side API.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser may cache the response to a preflight request: the maximum of Chromium.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(2);

/// Returns the CORS layer of all paths under `/client/`, which also answers preflight requests.
///
/// A preflight request carries no keys, so its project, and the origins that the project trusts, are not known yet. Therefore every
/// preflight succeeds, and the origin is checked together with the keys of the actual request. No cookies are involved.
pub fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        // A page of a public web site may call an emulator on the developer's own machine.
        .allow_private_network(true)
        .max_age(PREFLIGHT_MAX_AGE)
        .expose_headers([
            HeaderName::from_static("x-rate-limit-limit"),
            HeaderName::from_static("x-rate-limit-remaining"),
            HeaderName::from_static("x-rate-limit-retry"),
            HeaderName::from_static("x-rate-limit-type"),
            header::RETRY_AFTER,
        ])
}
