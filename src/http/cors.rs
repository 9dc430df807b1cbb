//! What browsers ask before a page of another origin may use the client side, and what they look for in its answers.

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser may remember the answer: as long as Chromium does at the most.
const REMEMBERED_FOR: Duration = Duration::from_hours(2);

/// The layer of everything under `/client/`, which also answers what browsers ask before.
///
/// They ask without keys, so that it is not known yet which project they mean and whom it trusts: every origin may ask, and
/// which one is answered is decided with the keys. No cookies are involved.
pub fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::mirror_request())
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS])
        .allow_headers(AllowHeaders::mirror_request())
        // A page of the public internet may call an emulator on the developer's own machine.
        .allow_private_network(true)
        .max_age(REMEMBERED_FOR)
        .expose_headers([
            HeaderName::from_static("x-rate-limit-limit"),
            HeaderName::from_static("x-rate-limit-remaining"),
            HeaderName::from_static("x-rate-limit-retry"),
            HeaderName::from_static("x-rate-limit-type"),
            header::RETRY_AFTER,
        ])
}
