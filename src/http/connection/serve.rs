//! Serves the requests of one connection.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, header};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tower::Service;

use super::keep_alive::{Announcement, announce};
use super::limits::ConnectionLimits;
use super::request_body::{BodyProgress, RequestBody};
use super::response_body::ResponseBody;
use super::state::{ConnectionState, Phase};
use super::stream::HttpStream;
use super::transport::Transport;
use crate::http::error::ErrorKind;
use crate::http::scheme::Scheme;

/// How long an idle or half-open connection that is to be closed waits for the report of bytes that have arrived already.
const UNREPORTED_BYTES: Duration = Duration::from_millis(1);

/// A service that answers the requests of a server, such as a router.
pub trait HttpService:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<S> HttpService for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Serves the requests of a connection until the client closes it, a limit is exceeded, or the server stops.
pub(super) async fn serve(
    stream: impl Transport,
    service: impl HttpService,
    state: Arc<ConnectionState>,
    limits: ConnectionLimits,
) {
    let announcement = Announcement::new(limits.announced_idle);
    let answering = service_fn(|request: Request<Incoming>| {
        state.begin();
        let (service, state) = (service.clone(), Arc::clone(&state));
        let announced = announcement.for_request(&request).cloned();
        async move {
            let mut response = answer(service, request, Arc::clone(&state), limits).await?;
            if let Some(announced) = announced.filter(|_| !state.is_stopping()) {
                announce(announced, response.headers_mut());
            }
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(HttpStream::new(stream, Arc::clone(&state)));
    // The sweep limits the time of heads, because the limit of hyper would also apply to idle connections.
    let mut connection = http1::Builder::new().header_read_timeout(None).serve_connection(io, answering);
    let refusal = loop {
        tokio::select! {
            biased;
            served = &mut connection => {
                let Err(error) = served else { return };
                tracing::trace!(%error, "connection failed");
                if !error.is_parse_version_h2() {
                    return;
                }
                // hyper does not answer the preface of HTTP/2.
                break Some(ErrorKind::BadRequest);
            }
            () = state.changed.notified() => {}
        }
        if state.is_expired() {
            if state.is_reset() {
                connection.into_parts().io.inner().reset();
            }
            return;
        }
        if state.disposable_since().is_some() {
            // A request that has arrived already must not be lost.
            if timeout(UNREPORTED_BYTES, &mut connection).await.is_ok() {
                return;
            }
            if state.disposable_since().is_none() {
                continue;
            }
            let is_late = state.phase() == Phase::Head && !state.is_stopping();
            break is_late.then_some(ErrorKind::RequestTimeout);
        }
        if state.is_stopping() {
            Pin::new(&mut connection).graceful_shutdown();
        }
    };
    let mut stream = connection.into_parts().io.into_inner();
    match refusal {
        Some(kind) => stream.refuse(kind),
        None => stream.finish(),
    }
}

/// An extension of a response that is not sent: the connection is reset instead.
#[derive(Clone, Copy, Debug)]
pub struct ResetConnection;

/// Resets the connection. It does not return: the task of the connection ends.
async fn reset(state: &ConnectionState) -> Result<Response<ResponseBody>, Infallible> {
    state.reset();
    pending().await
}

/// Answers one request.
async fn answer(
    mut service: impl HttpService,
    request: Request<Incoming>,
    state: Arc<ConnectionState>,
    limits: ConnectionLimits,
) -> Result<Response<ResponseBody>, Infallible> {
    let (mut parts, body) = request.into_parts();
    if state.is_secure() {
        parts.extensions.insert(Scheme::Https);
    }
    if body.is_end_stream() {
        let response = service.call(Request::from_parts(parts, Body::empty())).await?;
        if response.extensions().get::<ResetConnection>().is_some() {
            return reset(&state).await;
        }
        return Ok(response.map(|body| ResponseBody::new(body, state)));
    }
    let expects_continue = parts.headers.contains_key(header::EXPECT);
    let progress = Arc::new(BodyProgress::new());
    state.set_body(Some(Arc::clone(&progress)));
    parts.extensions.insert(Arc::clone(&progress));
    let body = Body::new(RequestBody::new(body, Arc::clone(&progress)));
    let mut response = service.call(Request::from_parts(parts, body)).await?;
    if response.extensions().get::<ResetConnection>().is_some() {
        return reset(&state).await;
    }
    if !progress.discard_rest(expects_continue, &limits, || state.is_stopping()).await {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        state.linger();
    }
    state.set_body(None);
    Ok(response.map(|body| ResponseBody::new(body, state)))
}
