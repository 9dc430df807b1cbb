//! The trace of a request: what its caller has sent, and what is recorded of it.

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, Method};

use super::request_context::RoutePattern;
use super::scheme::Scheme;
use crate::domain::trace_context::TraceContext;
use crate::metrics::NO_OPERATION;
use crate::service::Core;
use crate::trace::Span;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The operations that monitoring calls all the time. They are part of a trace only if their caller sends one.
const UNTRACED_OPERATIONS: [&str; 2] = ["emulator-health", "emulator-metrics"];

/// Begins the span of a request.
pub fn begin(core: &Core, operation: Option<&'static str>, headers: &HeaderMap) -> Span {
    let name = operation.unwrap_or(NO_OPERATION);
    match context(headers) {
        None if UNTRACED_OPERATIONS.contains(&name) => Span::unrecorded(None),
        parent => core.tracer.request(name, parent),
    }
}

/// Returns the place in a trace that the caller has sent.
fn context(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    // With two of them, it is not known which one is right.
    let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
    let states: Vec<_> = headers.get_all(TRACESTATE).iter().filter_map(|value| value.to_str().ok()).collect();
    let state = (!states.is_empty()).then(|| states.join(","));
    TraceContext::parse(parent.to_str().ok()?, state.as_deref())
}

/// Sets the attributes of a request that is answered. `operation` is not set where no operation answers it.
pub fn end(
    span: &mut Span,
    (method, scheme): (&Method, Scheme),
    route: Option<RoutePattern>,
    operation: Option<&'static str>,
    request_id: &str,
    status: Option<u16>,
) {
    if !span.is_recorded() {
        return;
    }
    span.set_name("http.request.method", known_method(method));
    span.set_name("url.scheme", scheme.as_str());
    if let Some(RoutePattern(route)) = route {
        span.set_name("http.route", route);
    }
    if let Some(operation) = operation {
        span.set_name("voucherify.operation", operation);
    }
    span.set_id("voucherify.request_id", request_id);
    match status {
        Some(status) => {
            span.set_number("http.response.status_code", status);
            if status >= 500 {
                span.fail(status.to_string());
            }
        }
        None => span.fail("no_answer"),
    }
}

/// Returns the name of a method. A client can send any text as a method, which is not recorded.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}
