//! Makes the entry of a request when its answer is complete.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http_body::Body as HttpBody;
use tokio::time::Instant;

use super::capture::{CapturedBody, CapturingBody, CompletingBody, SharedBody, read_beginning};
use super::mask;
use super::near::Operations;
use crate::domain::logged_request::{LoggedRequest, Texts};
use crate::http::request_context::{CallingProject, RequestContext};
use crate::http::state::AppState;

/// A request that is kept in the request log when it ends, if its project is known then.
pub struct Recording {
    started: Instant,
    /// Real time.
    arrived: DateTime<Utc>,
    method: Method,
    uri: Uri,
    /// `None` for a request without a body.
    request_body: Option<SharedBody>,
}

/// What is known about a request when its handler has ended.
pub struct Outcome {
    pub context: Arc<RequestContext>,
    /// The operation id; `None` for a request without a route.
    pub operation: Option<&'static str>,
}

impl Recording {
    /// Begins the recording of a request, unless its path is that of the control plane or the management API. Its body is captured while
    /// it is read.
    pub fn begin(state: &AppState, request: &mut Request, started: Instant, arrived: DateTime<Utc>) -> Option<Self> {
        let first = request.uri().path().split('/').nth(1);
        if !state.core.request_log.is_on() || matches!(first, Some("_emulator" | "management")) {
            return None;
        }
        let request_body = (!request.body().is_end_stream()).then(|| {
            let (body, captured) = CapturingBody::wrap(std::mem::take(request.body_mut()));
            *request.body_mut() = body;
            captured
        });
        Some(Self { started, arrived, method: request.method().clone(), uri: request.uri().clone(), request_body })
    }

    /// Reads the beginning of the body of a request that no handler reads, unless the client waits to be asked for it.
    pub async fn read_unhandled(request: &mut Request) {
        if !request.body().is_end_stream() && !request.headers().contains_key(header::EXPECT) {
            read_beginning(request.body_mut()).await;
        }
    }

    /// Keeps the request, at once if the whole response is in memory, otherwise when the response has been sent.
    pub fn finish(self, state: &AppState, outcome: Outcome, operations: &Operations, response: Response) -> Response {
        let Some(&project) = outcome.context.project.get() else { return response };
        let status = response.status();
        let is_without_route = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
        let near = match outcome.operation {
            None if is_without_route => operations.near(&self.method, self.uri.path()),
            _ => Box::default(),
        };
        let is_head = self.method == Method::HEAD;
        let entry = Entry { recording: self, state: Arc::clone(state), project, outcome, status, near };
        if is_head || response.body().is_end_stream() {
            entry.keep(&CapturedBody::default());
            return response;
        }
        let length = response.body().size_hint().exact();
        let (parts, mut body) = response.into_parts();
        let first = length.and_then(|_| first_part(&mut body));
        let body = match (length, first) {
            (Some(length), Some(whole)) if u64::try_from(whole.len()).is_ok_and(|read| read == length) => {
                entry.keep(&CapturedBody::of(&whole));
                Body::from(whole)
            }
            (_, first) => CompletingBody::wrap(first, body, move |captured: &CapturedBody| entry.keep(captured)),
        };
        Response::from_parts(parts, body)
    }
}

/// Returns the first part of a body, if it is there already.
fn first_part(body: &mut Body) -> Option<Bytes> {
    match Pin::new(body).poll_frame(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().ok(),
        _ => None,
    }
}

/// An entry that lacks the response body.
struct Entry {
    recording: Recording,
    state: AppState,
    project: CallingProject,
    outcome: Outcome,
    status: StatusCode,
    near: Box<[String]>,
}

impl Entry {
    fn keep(self, response_body: &CapturedBody) {
        let Self { recording, state, project, outcome: Outcome { context, operation }, status, near } = self;
        let Recording { started, arrived, method, uri, request_body } = recording;
        let request_body = request_body.as_ref().map(|body| body.lock().unwrap_or_else(PoisonError::into_inner));
        let text = request_body.as_ref().map_or(Cow::Borrowed(""), |body| body.text());
        let path = uri.path();
        let texts = Texts {
            // From real time, so that ids are distinct also while the clock of the project is frozen.
            id: &state.core.ids.time_ordered("req_", arrived),
            request_id: context.request_id(),
            method: method.as_str(),
            path,
            query: &mask::parameters(uri.query().unwrap_or_default()),
            request_body: &mask::body(path, text),
            response_body: &mask::body(path, response_body.text()),
        };
        let mut request = LoggedRequest::new(&texts, project.control.clock.at(arrived));
        request.request_body_length = request_body.as_ref().and_then(|body| body.full_length());
        request.response_body_length = response_body.full_length();
        request.duration_micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        request.status = status.as_u16();
        request.operation = operation;
        request.unread = context.unread.get().map(|unread| unread.as_slice().into()).unwrap_or_default();
        request.near = near;
        state.core.request_log.add(project.id, request, started.into_std());
    }
}
