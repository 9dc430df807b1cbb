//! The outermost service: it refuses requests that name another host, removes one slash from the end of a path, and adds the headers
//! that every answer has.
//!
//! It is a service around the router and not a layer of it, because a layer of the router costs several allocations for each request,
//! and runs after the route of the request is chosen.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::future::RouteFuture;
use tower::Service;

use super::error::{ApiError, ErrorKind};
use super::state::AppState;
use super::trailing_slash;
use crate::metrics::NO_OPERATION;

/// The router with its outermost checks: the service that answers every request of a server.
#[derive(Clone, Debug)]
pub struct Edge {
    state: AppState,
    router: Router,
}

impl Edge {
    /// Wraps the router.
    #[must_use]
    pub fn new(state: AppState, router: Router) -> Self {
        Self { state, router }
    }
}

impl Service<Request> for Edge {
    type Response = Response;
    type Error = Infallible;
    type Future = EdgeFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The router is always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> EdgeFuture {
        // A request for another host is answered before anything else happens.
        EdgeFuture(if names_allowed_hosts(&self.state, &request) {
            Answer::OfRouter(self.router.call(trailing_slash::remove(request)))
        } else {
            Answer::Ready(Some(misdirected(&self.state)))
        })
    }
}

/// The answer to one request.
pub struct EdgeFuture(Answer);

enum Answer {
    OfRouter(RouteFuture<Infallible>),
    /// `None` after the answer was taken.
    Ready(Option<Response>),
}

impl Future for EdgeFuture {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = match &mut self.0 {
            Answer::OfRouter(future) => ready!(Pin::new(future).poll(context))?,
            Answer::Ready(response) => match response.take() {
                Some(response) => response,
                None => return Poll::Pending,
            },
        };
        // Browsers must not guess another media type than that of the answer.
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Poll::Ready(Ok(response))
    }
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
    state.core.metrics.requests.operation(NO_OPERATION).start(Instant::now()).answered(error.status().as_u16());
    let body = Body::from(error.body(&request_id));
    let mut response = error.into_response();
    *response.body_mut() = body;
    response
}
