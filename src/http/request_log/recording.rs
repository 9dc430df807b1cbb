//! Makes the entry of a request when its answer is complete.

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

use super::capture::{BodyBeginning, CapturingBody, CompletingBody, SharedBody, read_beginning};
use super::mask;
use super::near::Operations;
use crate::domain::logged_request::{Details, Texts};
use crate::http::connection::ResetConnection;
use crate::http::request_context::RequestContext;
use crate::http::state::AppState;

/// A request that is kept in the request log when it ends, if its project is known then. When it is dropped before, because the client has
/// disconnected, it is kept without an answer.
pub struct Recording(Option<Entry>);

/// The status of a request that was not answered.
const NO_ANSWER: u16 = 0;

impl Recording {
    /// Begins the recording of a request, unless its path is that of the control plane or the management API. Its body is captured while
    /// it is read.
    pub fn begin(
        state: &AppState,
        context: &Arc<RequestContext>,
        request: &mut Request,
        started: Instant,
        arrived: DateTime<Utc>,
    ) -> Option<Self> {
        let first = request.uri().path().split('/').nth(1);
        if !state.core.request_log.is_on() || matches!(first, Some("_emulator" | "management")) {
            return None;
        }
        let request_body = (!request.body().is_end_stream()).then(|| {
            let (body, captured) = CapturingBody::wrap(std::mem::take(request.body_mut()));
            *request.body_mut() = body;
            captured
        });
        Some(Self(Some(Entry {
            state: Arc::clone(state),
            context: Arc::clone(context),
            started,
            arrived,
            method: request.method().clone(),
            uri: request.uri().clone(),
            request_body,
            status: NO_ANSWER,
            near: Box::default(),
        })))
    }

    /// Reads the beginning of the body of a request that no handler reads, unless the client waits to be asked for it.
    pub async fn read_unhandled(request: &mut Request) {
        if !request.body().is_end_stream() && !request.headers().contains_key(header::EXPECT) {
            read_beginning(request.body_mut()).await;
        }
    }

    /// Keeps the request, at once if the whole response is in memory, otherwise when the response has been sent.
    pub fn finish(mut self, operations: &Operations, response: Response) -> Response {
        let Some(mut entry) = self.0.take() else { return response };
        if response.extensions().get::<ResetConnection>().is_some() {
            entry.keep(BodyBeginning::default());
            return response;
        }
        let status = response.status();
        entry.status = status.as_u16();
        let is_without_route = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
        if is_without_route && entry.context.operation.get().is_none() {
            entry.near = operations.near(&entry.method, entry.uri.path());
        }
        if entry.method == Method::HEAD || response.body().is_end_stream() {
            entry.keep(BodyBeginning::default());
            return response;
        }
        let hint = response.body().size_hint();
        let (parts, mut body) = response.into_parts();
        let first = hint.exact().and_then(|_| first_part(&mut body));
        let body = match first {
            Some(whole) if u64::try_from(whole.len()).is_ok_and(|read| hint.exact() == Some(read)) => {
                entry.keep(BodyBeginning::of(&whole));
                Body::from(whole)
            }
            first => CompletingBody::wrap(first, body, hint, move |body: BodyBeginning<'_>| entry.keep(body)),
        };
        Response::from_parts(parts, body)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Some(entry) = self.0.take() {
            entry.keep(BodyBeginning::default());
        }
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
    state: AppState,
    context: Arc<RequestContext>,
    started: Instant,
    /// Real time.
    arrived: DateTime<Utc>,
    method: Method,
    uri: Uri,
    /// `None` for a request without a body.
    request_body: Option<SharedBody>,
    status: u16,
    near: Box<[String]>,
}

impl Entry {
    fn keep(self, response_body: BodyBeginning<'_>) {
        let Self { state, context, started, arrived, method, uri, request_body, status, near } = self;
        let Some(project) = context.project.get() else { return };
        let request_body = request_body.as_ref().map(|body| body.lock().unwrap_or_else(PoisonError::into_inner));
        let request_body = request_body.as_ref().map(|body| body.beginning()).unwrap_or_default();
        let path = uri.path();
        let texts = Texts {
            // From real time, so that ids are distinct also while the clock of the project is frozen.
            id: &state.core.ids.time_ordered("req_", arrived),
            request_id: context.request_id(),
            method: method.as_str(),
            path,
            query: &mask::parameters(uri.query().unwrap_or_default()),
            request_body: &mask::body(path, request_body.text()),
            response_body: &mask::body(path, response_body.text()),
        };
        let details = Details {
            at: project.control.clock.at(arrived),
            duration_micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            status,
            request_body_length: request_body.full_length(),
            response_body_length: response_body.full_length(),
            operation: context.operation.get().copied(),
            unread: context.unread.get().map(|unread| unread.as_slice().into()).unwrap_or_default(),
            near,
            fault: context.fault.get().map(|hit| (*hit.id).into()),
        };
        state.core.request_log.add(project.id, &texts, details, started.into_std());
    }
}
