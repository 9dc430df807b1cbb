//! The middleware around every request: request id, timeout, error body, and the log line.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use super::connection::request_body::BodyProgress;
use super::error::{ApiError, ErrorKind};
use super::parse_budget::ParsePermit;
use super::routes::{ResolvedRoutes, RoutePattern, RouteTable};
use super::run_to_end::RunToEnd;
use super::state::AppState;
use crate::service::{self, Resource};

/// Formats the error response of an API whose errors are not in the vendor's form, from the error text.
pub type ErrorFormatter = Box<dyn Fn(&str) -> Response + Send + Sync>;

/// What is known about a request, shared by the middleware, the extractors and the handler.
pub struct RequestContext {
    /// `v-` and 18 hexadecimal digits. Errors show it, and the activity entries of the request carry it as their group.
    pub request_id: String,
    /// How many calls the project has left in this minute; set after authentication.
    pub calls_left: OnceLock<u32>,
    /// The project id in the path of a management request.
    pub managed: OnceLock<String>,
    /// Set by APIs whose errors are not in the vendor's form.
    pub error_formatter: OnceLock<ErrorFormatter>,
    /// Held until the response is complete, because parsed values are dropped by then.
    pub parse_permit: OnceLock<ParsePermit>,
}

/// What the middleware needs for every request.
#[derive(Clone)]
pub struct Frame {
    app: AppState,
    operations: Arc<RouteTable>,
}

impl Frame {
    /// Returns the state of the middleware for requests to `routes`.
    pub fn new(app: AppState, routes: &ResolvedRoutes) -> Self {
        Self { app, operations: Arc::new(routes.operations()) }
    }
}

/// Runs the request to its end, also when the client disconnects. A panic is answered with 500.
pub async fn handle(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    let state = frame.app;
    let started = Instant::now();
    let now = state.core.clock.now();
    let context = Arc::new(RequestContext {
        request_id: state.core.ids.time_ordered("v-", now),
        calls_left: OnceLock::new(),
        managed: OnceLock::new(),
        error_formatter: OnceLock::new(),
        parse_permit: OnceLock::new(),
    });
    let method = request.method().clone();
    // The log shows the route pattern and never the path, because identifiers can be e-mail addresses.
    let matched = request.extensions().get::<MatchedPath>();
    let operation = matched.and_then(|matched| frame.operations.find(&method, matched.as_str()));
    let route = operation.map(|operation| operation.pattern);
    let response = if operation.is_some() && is_encoded(request.headers()) {
        ApiError::new(ErrorKind::UnsupportedMediaType)
            .with_details("Content-Encoding must be identity, or not sent")
            .into_response()
    } else if accepts_json(request.headers()) || operation.is_some_and(|operation| operation.is_not_json) {
        request.extensions_mut().insert(Arc::clone(&context));
        if let Some(route) = route {
            request.extensions_mut().insert(route);
        }
        let body = request.extensions().get::<Arc<BodyProgress>>().map(Arc::clone);
        let work = RunToEnd::new(next.run(request));
        match within(state.request_timeout, body.as_deref(), work).await {
            Some(Ok(response)) => response,
            Some(Err(panic)) => ApiError::new(ErrorKind::Internal).with_cause(&panic).into_response(),
            None => ApiError::new(ErrorKind::Unavailable)
                .with_details(format!("The request took longer than {} s", state.request_timeout.as_secs_f32()))
                .with_cause("timeout")
                .into_response(),
        }
    } else {
        ApiError::new(ErrorKind::NotAcceptable)
            .with_details("The answer is application/json, which the Accept header excludes")
            .into_response()
    };
    let mut response = finish(response, &context, &method, route, started);
    if let Some(&left) = context.calls_left.get() {
        let is_over = response.status() == StatusCode::TOO_MANY_REQUESTS;
        state.rate_limits.describe(response.headers_mut(), left, is_over, now);
    }
    response
}

/// Returns the output of `work`; `None` when it takes longer than `limit`. The time that the client takes to send the body does not count.
async fn within<F: Future + Unpin>(limit: Duration, body: Option<&BodyProgress>, mut work: F) -> Option<F::Output> {
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
    let request_id = context.request_id.as_str();
    let Some(error) = error else {
        tracing::debug!(%method, route, status, micros, request_id, "answered");
        return response;
    };
    match (error.cause(), status) {
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
