//! The outermost middleware: it refuses requests that name another host, and adds the headers that every answer has.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::{ApiError, ErrorKind};
use super::state::AppState;

/// Answers 421 to a request that names a host that is not allowed, before anything else happens.
pub async fn handle(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response =
        if names_allowed_hosts(&state, &request) { next.run(request).await } else { misdirected(&state) };
    // Browsers must not guess another media type than that of the answer.
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Returns whether every host that the request names is allowed: those of `Host`, and that of a URL in the request line. A request
/// without a host is allowed, because only programs send one.
fn names_allowed_hosts(state: &AppState, request: &Request) -> bool {
    let is_allowed =
        |host: &HeaderValue| host.is_empty() || host.to_str().is_ok_and(|host| state.allowed_hosts.allow(host));
    let authority = request.uri().authority();
    authority.is_none_or(|authority| state.allowed_hosts.allow(authority.as_str()))
        && request.headers().get_all(header::HOST).iter().all(is_allowed)
}

fn misdirected(state: &AppState) -> Response {
    let error = ApiError::new(ErrorKind::MisdirectedRequest).with_details(
        "The emulator does not serve the host that the request names. If it should, add the host to --allowed-hosts \
         (VOUCHERIFY_EMULATOR_ALLOWED_HOSTS)",
    );
    let request_id = state.core.ids.time_ordered("v-", state.core.clock.now());
    // The host is not logged, because a request can contain any text there.
    tracing::info!(status = error.status().as_u16(), request_id, "refused a request for another host");
    let body = Body::from(error.body(&request_id));
    let mut response = error.into_response();
    *response.body_mut() = body;
    response
}
