//! Serves the requests of one connection.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use super::body::{BodyProgress, RequestBody, ResponseBody};
use super::limits::ConnectionLimits;
use super::state::{ConnectionState, Phase};
use super::stream::HttpStream;

/// Serves the requests of a connection until the client closes it, a limit is exceeded, or the server stops.
pub(super) async fn serve(stream: TcpStream, router: Router, state: Arc<ConnectionState>, limits: ConnectionLimits) {
    let service = service_fn(|request| {
        state.begin();
        answer(router.clone(), request, Arc::clone(&state), limits)
    });
    let io = TokioIo::new(HttpStream::new(stream, Arc::clone(&state)));
    let mut connection = http1::Builder::new().serve_connection(io, service);
    loop {
        tokio::select! {
            biased;
            served = &mut connection => {
                if let Err(error) = served {
                    tracing::trace!(%error, "connection failed");
                }
                return;
            }
            () = state.changed.notified() => {}
        }
        if state.is_expired() || state.disposable_since().is_some() {
            break;
        }
        if state.is_stopping() {
            Pin::new(&mut connection).graceful_shutdown();
        }
    }
    let is_half_open = state.phase() == Phase::Head && !state.is_stopping();
    let parts = connection.into_parts();
    if is_half_open {
        parts.io.inner().answer_late_head();
    }
}

/// Answers one request.
async fn answer(
    mut router: Router,
    request: Request<Incoming>,
    state: Arc<ConnectionState>,
    limits: ConnectionLimits,
) -> Result<Response<ResponseBody>, Infallible> {
    let (mut parts, body) = request.into_parts();
    if body.is_end_stream() {
        let response = router.call(Request::from_parts(parts, Body::empty())).await?;
        return Ok(response.map(|body| ResponseBody::new(body, state)));
    }
    let expects_continue = parts.headers.contains_key(header::EXPECT);
    let progress = Arc::new(BodyProgress::new());
    state.set_body(Some(Arc::clone(&progress)));
    parts.extensions.insert(Arc::clone(&progress));
    let body = Body::new(RequestBody::new(body, Arc::clone(&progress)));
    let mut response = router.call(Request::from_parts(parts, body)).await?;
    if !progress.discard_rest(expects_continue, &limits, &state).await {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        state.linger();
    }
    state.set_body(None);
    Ok(response.map(|body| ResponseBody::new(body, state)))
}
