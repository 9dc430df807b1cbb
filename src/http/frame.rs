//! What stands around every request: its id, its time limit, the body of its error, its line in the log.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use super::error::{ApiError, ErrorKind};
use super::routes::Routes;
use super::run_to_end::RunToEnd;
use super::state::AppState;
use crate::service::{self, Resource};

/// How a door with errors of its own writes one: given what is wrong, the body with its headers.
pub type ErrorForm = Box<dyn Fn(&str) -> Response + Send + Sync>;

/// What a request has told and learned on its way.
pub struct InFlight {
    /// `v-` and 18 hexadecimal digits: shown in errors, and the group of the entries that the request causes.
    pub request_id: String,
    /// How many calls the project has left, once it is known whose request it is.
    pub calls_left: OnceLock<u32>,
    /// The project that is managed, as the path names it, where the keys are not its own.
    pub managed: OnceLock<String>,
    /// Set at the doors where errors are not in the vendor's form.
    pub error_form: OnceLock<ErrorForm>,
}

/// What the frame needs for every request.
#[derive(Clone)]
pub struct Frame {
    app: AppState,
    /// The paths whose answer may have another media type than JSON, so that `Accept` does not refuse them.
    not_json: Arc<[&'static str]>,
}

impl Frame {
    /// The frame of all requests to `routes`.
    pub fn new(app: AppState, routes: &Routes) -> Self {
        Self { app, not_json: routes.not_json().collect() }
    }
}

/// Runs the request to its end, also when the client disconnects. A panic is answered with 500.
pub async fn handle(State(frame): State<Frame>, mut request: Request, next: Next) -> Response {
    let state = frame.app;
    let started = Instant::now();
    let now = state.core.clock.now();
    let in_flight = Arc::new(InFlight {
        request_id: state.core.ids.time_ordered("v-", now),
        calls_left: OnceLock::new(),
        managed: OnceLock::new(),
        error_form: OnceLock::new(),
    });
    let method = request.method().clone();
    // The path's pattern, never the path: identifiers can be e-mail addresses.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let is_not_json = route.as_ref().is_some_and(|route| frame.not_json.contains(&route.as_str()));
    let response = if accepts_json(request.headers()) || is_not_json {
        request.extensions_mut().insert(Arc::clone(&in_flight));
        let work = RunToEnd::new(next.run(request));
        match timeout(state.request_timeout, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => ApiError::new(ErrorKind::Internal).with_cause(&panic).into_response(),
            Err(_) => ApiError::new(ErrorKind::Unavailable)
                .with_details(format!("The request took longer than {} s", state.request_timeout.as_secs_f32()))
                .with_cause("timeout")
                .into_response(),
        }
    } else {
        ApiError::new(ErrorKind::NotAcceptable)
            .with_details("The answer is application/json, which the Accept header excludes")
            .into_response()
    };
    let mut response = finish(response, &in_flight, &method, route.as_ref(), started);
    if let Some(&left) = in_flight.calls_left.get() {
        let is_over = response.status() == StatusCode::TOO_MANY_REQUESTS;
        state.rate_limits.describe(response.headers_mut(), left, is_over, now);
    }
    response
}

/// Writes the body of an error and the line of the log.
fn finish(
    mut response: Response,
    in_flight: &InFlight,
    method: &Method,
    route: Option<&MatchedPath>,
    started: Instant,
) -> Response {
    let mut error = response.extensions_mut().remove::<ApiError>();
    // It is the project that is gone, and not the keys.
    if let Some(id) = in_flight.managed.get().filter(|_| error.as_ref().is_some_and(ApiError::is_project_gone)) {
        let not_found = ApiError::from(service::Error::not_found(Resource::Project, id));
        *response.status_mut() = not_found.status();
        error = Some(not_found);
    }
    let status = response.status().as_u16();
    let route = route.map_or("none", MatchedPath::as_str);
    let micros = started.elapsed().as_micros();
    let request_id = in_flight.request_id.as_str();
    let Some(error) = error else {
        tracing::debug!(%method, route, status, micros, request_id, "answered");
        return response;
    };
    match (error.cause(), status) {
        (Some(cause), 500) => tracing::error!(%method, route, status, micros, request_id, cause, "failed"),
        (Some(cause), _) => tracing::warn!(%method, route, status, micros, request_id, cause, "failed"),
        (None, _) => tracing::info!(%method, route, status, micros, request_id, "refused"),
    }
    let Some(form) = in_flight.error_form.get() else {
        *response.body_mut() = Body::from(error.body(request_id));
        return response;
    };
    let (parts, body) = form(&error.text()).into_parts();
    response.headers_mut().extend(parts.headers);
    *response.body_mut() = body;
    response
}

/// Whether the `Accept` header, if there is one, lets a JSON answer through.
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
    fn accept_is_read_as_http_says() {
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
