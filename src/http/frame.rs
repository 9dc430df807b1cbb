//! The middleware around every request: request id, timeout, error body, and the log line.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use super::auth;
use super::connection::ResetConnection;
use super::connection::request_body::BodyProgress;
use super::error::{ApiError, ErrorKind};
use super::faults;
use super::query;
use super::request_context::{RequestContext, RoutePattern};
use super::request_log::{Operations, Recording};
use super::routes::{Reads, ResolvedOperation, ResolvedRoutes, RouteTable};
use super::run_to_end::RunToEnd;
use super::scheme::Scheme;
use super::state::{App, AppState};
use super::trace_headers;
use super::unexpected_body;
use crate::metrics::{NO_OPERATION, OperationMetrics};
use crate::service::{self, Resource};

/// The paths of the emulator's own operations.
const OWN_PREFIX: &str = "/_emulator/";

/// What the middleware needs for every request.
#[derive(Clone)]
pub struct Frame {
    app: AppState,
    operations: Arc<RouteTable>,
    /// What requests without a route are compared with.
    near: Arc<Operations>,
    /// Counts the requests that no operation answers.
    without_operation: OperationMetrics,
}

impl Frame {
    /// Returns the state of the middleware for requests to `routes`.
    pub fn new(app: AppState, routes: &ResolvedRoutes) -> Self {
        let metrics = &app.core.metrics.requests;
        let operations = routes.operations(metrics);
        let without_operation = metrics.operation(NO_OPERATION);
        Self { near: Arc::new(Operations::of(&operations)), operations: Arc::new(operations), without_operation, app }
    }
}

/// Runs the request to its end, also when the client disconnects. A panic is answered with 500.
pub async fn handle(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    let state = frame.app;
    let started = Instant::now();
    let now = state.core.clock.now();
    let method = request.method().clone();
    // The log shows the route pattern and never the path, because identifiers can be e-mail addresses.
    let matched = request.extensions().get::<MatchedPath>();
    let operation = matched.and_then(|matched| frame.operations.find(&method, matched.as_str()));
    let route = operation.map(|operation| operation.pattern);
    let answering = operation.filter(|operation| operation.answers(&method));
    let operation_id = answering.map(|operation| operation.operation_id);
    let metrics = answering.map_or(&frame.without_operation, |operation| &operation.metrics);
    let mut timer = metrics.start(started.into_std());
    let mut span = trace_headers::begin(&state.core, operation_id, request.headers());
    let scheme = Scheme::of(request.extensions());
    let request_id = state.core.ids.time_ordered("v-", now);
    let context = Arc::new(RequestContext::new(request_id, span.context().cloned()));
    let refusal = refusal(request.headers(), operation);
    if let Some(operation) = operation_id {
        let _ = context.operation.set(operation);
    }
    let recording = Recording::begin(&state, &context, &mut request, started, now);
    request.extensions_mut().insert(Arc::clone(&context));
    if let Some(route) = route {
        request.extensions_mut().insert(route);
        if route.0.starts_with(OWN_PREFIX) {
            context.set_own();
        }
    }
    if state.is_strict {
        context.set_strict();
    }
    let body = request.extensions().get::<Arc<BodyProgress>>().map(Arc::clone);
    let run = Run {
        state: Arc::clone(&state),
        context: Arc::clone(&context),
        route: route.filter(|_| operation_id.is_some() && refusal.is_none()),
        reads: operation.filter(|_| operation_id.is_some() && refusal.is_none()).map(|operation| operation.reads),
        is_recorded: recording.is_some(),
    };
    let work = RunToEnd::new(span.enter(run.answer(request, next, refusal)));
    let response = match within(state.request_timeout, body.as_deref(), work).await {
        Some(Ok(response)) => response,
        Some(Err(panic)) => ApiError::new(ErrorKind::Internal).with_cause(&panic).into_response(),
        None => ApiError::new(ErrorKind::Unavailable)
            .with_details(format!("The request took longer than {} s", state.request_timeout.as_secs_f32()))
            .with_cause("timeout")
            .into_response(),
    };
    context.settle_unread();
    let mut response = finish(response, &state, &context, &method, route, started);
    if let Some(&left) = context.calls_left.get() {
        let is_over = response.status() == StatusCode::TOO_MANY_REQUESTS;
        state.rate_limits.describe(response.headers_mut(), if is_over { 0 } else { left }, is_over, now);
        if is_over {
            faults::describe_retry(&context, response.headers_mut(), now);
        }
    }
    let response = faults::close(&context, response);
    let is_reset = response.extensions().get::<ResetConnection>().is_some();
    let status = (!is_reset).then(|| response.status().as_u16());
    trace_headers::end(&mut span, (&method, scheme), route, operation_id, context.request_id(), status);
    drop(span);
    timer.answered(status);
    drop(timer);
    match recording {
        Some(recording) => recording.finish(&frame.near, response),
        None => response,
    }
}

/// Returns why a request is refused whatever it asks for.
fn refusal(headers: &HeaderMap, operation: Option<&ResolvedOperation>) -> Option<ApiError> {
    if operation.is_some() && is_encoded(headers) {
        let error = ApiError::new(ErrorKind::UnsupportedMediaType);
        return Some(error.with_details("Content-Encoding must be identity, or not sent"));
    }
    let is_acceptable = operation.is_some_and(|operation| operation.is_not_json) || accepts_json(headers);
    (!is_acceptable).then(|| {
        ApiError::new(ErrorKind::NotAcceptable)
            .with_details("The answer is application/json, which the Accept header excludes")
    })
}

/// What is needed to answer a request.
struct Run {
    state: AppState,
    context: Arc<RequestContext>,
    /// The route of the handler that answers the request, if there is one.
    route: Option<RoutePattern>,
    /// Which parts of the request that handler reads.
    reads: Option<Reads>,
    is_recorded: bool,
}

impl Run {
    async fn answer(self, mut request: Request, next: Next, refusal: Option<ApiError>) -> Response {
        let Self { state, context, route, reads, is_recorded } = self;
        if let Some(reads) = reads {
            note_unread_parts(reads, &mut request, &context).await;
        }
        match route {
            // The extractors of the handler return the outcome.
            Some(RoutePattern(path)) if is_authenticated_here(path) => {
                let outcome = auth::authenticate(&state, &context, request.headers(), path).await;
                let _ = context.authentication.set(outcome);
            }
            None if !request.uri().path().starts_with("/management") => {
                auth::identify(&state, &context, request.headers(), request.uri().path()).await;
                if is_recorded && context.project.get().is_some() {
                    Recording::read_unhandled(&mut request).await;
                }
            }
            _ => {}
        }
        // Faults never hit the emulator's own operations, nor paths below them to which no operation answers.
        let path = request.uri().path();
        let is_carried_out =
            path.starts_with("/_emulator") || faults::begin(&state, &context, request.method(), path).await;
        // The extractors of a handler refuse what is unread too. This concerns the few operations without authentication.
        let response = match refusal.map_or_else(|| context.refuse_unread(), Err) {
            _ if !is_carried_out => {
                if is_recorded && route.is_some() {
                    Recording::read_unhandled(&mut request).await;
                }
                Response::default()
            }
            Err(error) => error.into_response(),
            Ok(()) => next.run(request).await,
        };
        faults::end(&state, &context, response).await
    }
}

/// Returns whether the requests to a route are authenticated before their handler runs: those of the vendor's API of projects.
fn is_authenticated_here(path: &str) -> bool {
    path.starts_with("/v1/") || path.starts_with("/client/v1/")
}

/// Notes the parameters and the members of a request whose operation has no query, or no body. The authentication refuses them in a
/// strict project.
async fn note_unread_parts(reads: Reads, request: &mut Request, context: &RequestContext) {
    if !reads.query
        && let Some(query) = request.uri().query()
    {
        context.note_unread(query::all_unread(query));
    }
    if !reads.body && !request.body().is_end_stream() {
        context.note_unread(unexpected_body::members(request.body_mut()).await);
    }
}

/// Returns the output of `work`; `None` when it takes longer than `limit`. The time that the client takes to send the body does not count.
pub(crate) async fn within<F: Future + Unpin>(
    limit: Duration,
    body: Option<&BodyProgress>,
    mut work: F,
) -> Option<F::Output> {
    let mut left = limit;
    loop {
        if let Ok(output) = timeout(left, &mut work).await {
            return Some(output);
        }
        left = limit.saturating_sub(body.map_or(limit, BodyProgress::time_since_client));
        if left.is_zero() {
            return None;
        }
    }
}

/// Writes the error body and the log line.
fn finish(
    mut response: Response,
    state: &App,
    context: &RequestContext,
    method: &Method,
    route: Option<RoutePattern>,
    started: Instant,
) -> Response {
    let mut error = response.extensions_mut().remove::<ApiError>();
    // A management request whose project was deleted meanwhile: its keys are still valid, so the response is 404 and not 401.
    if let Some(id) = context.managed.get().filter(|_| error.as_ref().is_some_and(ApiError::is_access_revoked)) {
        let not_found = ApiError::from(service::Error::not_found(Resource::Project, id));
        *response.status_mut() = not_found.status();
        error = Some(not_found);
    }
    let status = response.status().as_u16();
    let route = route.map_or("none", |pattern| pattern.0);
    let micros = started.elapsed().as_micros();
    let request_id = context.request_id();
    let Some(error) = error else {
        tracing::debug!(%method, route, status, micros, request_id, "answered");
        return response;
    };
    match (error.cause(), status) {
        (Some(cause), _) if error.outage().is_some() => {
            tracing::debug!(%method, route, status, micros, request_id, cause, "failed");
            if let Some(outage) = error.outage() {
                state.core.database_health.report(outage, cause);
            }
        }
        (Some(cause), 500) => tracing::error!(%method, route, status, micros, request_id, cause, "failed"),
        (Some(cause), _) => tracing::warn!(%method, route, status, micros, request_id, cause, "failed"),
        (None, _) => tracing::info!(%method, route, status, micros, request_id, "refused"),
    }
    let Some(form) = context.error_formatter.get() else {
        *response.body_mut() = Body::from(error.body(request_id));
        return response;
    };
    let (parts, body) = form(&error.text()).into_parts();
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

/// Returns whether the `Content-Encoding` header names a coding, such as `gzip`. No body is decoded, so the request would be read wrongly.
fn is_encoded(headers: &HeaderMap) -> bool {
    let is_identity = |coding: &str| coding.is_empty() || coding.eq_ignore_ascii_case("identity");
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|value| !value.to_str().is_ok_and(|codings| codings.split(',').map(str::trim).all(is_identity)))
}

/// Returns whether the `Accept` header allows JSON. A request without one accepts everything.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .peekable();
    ranges.peek().is_none()
        || ranges.any(|range| {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default();
            let refused =
                parts.any(|part| part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0));
            !refused && ["*/*", "application/*", "application/json"].iter().any(|json| media.eq_ignore_ascii_case(json))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_header_is_read_as_http_specifies() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, value.parse().unwrap());
            accepts_json(&headers)
        };
        for json in ["*/*", "application/json", "text/html, application/*;q=0.1", "application/json; charset=utf-8", ""]
        {
            assert!(accepts(json), "{json}");
        }
        for other in ["text/csv", "application/xml, text/*", "application/json;q=0", "*/*; q=0.0"] {
            assert!(!accepts(other), "{other}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }
}
