//! Faults on requests: delays, answers in place of the own one, and failures of the connection.
//!
//! `begin` runs before the call and `end` after it, both under the time limit of the request. `close` changes the complete answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::answer::JSON;
use super::connection::ResetConnection;
use super::error::{ApiError, ErrorKind};
use super::request_context::{CallingProject, RequestContext};
use super::state::AppState;
use crate::domain::fault::{ConnectionFault, RequestTarget};
use crate::domain::json::JsonText;
use crate::service::faults::{self, Hit};

/// How long a connection stays open after the first half of an answer, so that the client receives it.
const TRUNCATION_DELAY: Duration = Duration::from_millis(50);

/// Finds the fault that hits a request whose project is known, and returns whether the call is carried out. It waits as long as the fault
/// delays the call.
pub async fn begin(state: &AppState, context: &RequestContext, method: &Method, path: &str) -> bool {
    let Some(&CallingProject { id, control }) = context.project.get() else { return true };
    let Some(version) = control.faults_version else { return true };
    let target = RequestTarget { method: method.as_str(), path, operation: context.operation.get().copied() };
    let hit = match faults::find_request_hit(&state.core, id, version, target).await {
        Ok(Some(hit)) => hit,
        Ok(None) => return true,
        Err(error) => {
            tracing::warn!(%error, "failed to find the fault of a request");
            return true;
        }
    };
    let Hit { rule, delay, .. } = context.fault.get_or_init(|| hit);
    if !rule.after {
        wait(state, *delay).await;
    }
    if !rule.is_carried_out() {
        // A call that is carried out is counted by its handler.
        let left = state.rate_limits.take(id, state.core.clock.now());
        let _ = context.calls_left.set(left.unwrap_or_default());
    }
    rule.is_carried_out()
}

/// Returns the answer in place of that of the call, if a fault hits the request and has one.
pub async fn end(state: &AppState, context: &RequestContext, response: Response) -> Response {
    let Some(Hit { rule, delay, .. }) = context.fault.get() else { return response };
    if rule.after {
        wait(state, *delay).await;
    }
    if rule.connection == Some(ConnectionFault::Hang) {
        // The client gives up, or the request exceeds its time limit.
        state.core.request_log.closed().await;
        return ApiError::unavailable("The server stops").into_response();
    }
    let Some(status) = rule.status.and_then(|status| StatusCode::from_u16(status).ok()) else { return response };
    match &rule.body {
        Some(body) => (status, [(header::CONTENT_TYPE, JSON)], JsonText::of(body).as_str().to_owned()).into_response(),
        None => error(status).into_response(),
    }
}

/// Waits, but not longer than the server runs.
async fn wait(state: &AppState, delay: Duration) {
    if !delay.is_zero() {
        tokio::select! {
            () = sleep(delay) => {}
            () = state.core.request_log.closed() => {}
        }
    }
}

/// Returns the vendor's error for a status.
fn error(status: StatusCode) -> ApiError {
    ApiError::new(match status.as_u16() {
        400 => ErrorKind::InvalidPayload,
        401 => ErrorKind::Unauthorized,
        402 => {
            return ApiError::new(ErrorKind::MissingFeature)
                .with_details("Your current plan does not include a feature required to perform this operation.");
        }
        403 => return ApiError::missing_permission(),
        404 => ErrorKind::NotFound,
        405 => ErrorKind::MethodNotAllowed,
        406 => ErrorKind::NotAcceptable,
        408 => ErrorKind::RequestTimeout,
        409 => ErrorKind::Duplicate,
        413 => ErrorKind::PayloadTooLarge,
        414 => ErrorKind::UriTooLong,
        415 => ErrorKind::UnsupportedMediaType,
        429 => ErrorKind::TooManyRequests,
        431 => ErrorKind::HeadersTooLarge,
        500 => ErrorKind::Internal,
        503 => ErrorKind::Unavailable,
        _ => ErrorKind::Other(status),
    })
}

/// Sets the time after which a client may try again, for a 429 whose fault says it.
pub fn describe_retry(context: &RequestContext, headers: &mut HeaderMap, now: DateTime<Utc>) {
    if let Some(seconds) = context.fault.get().and_then(|hit| hit.rule.retry_after_s) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        headers.insert("x-rate-limit-retry", HeaderValue::from(now.timestamp() + i64::from(seconds)));
    }
}

/// Cuts off the complete answer, if a fault that hits the request does so.
pub fn close(context: &RequestContext, response: Response) -> Response {
    match context.fault.get().and_then(|hit| hit.rule.connection) {
        Some(ConnectionFault::Reset) => reset(response),
        // An answer without a body has no middle.
        Some(ConnectionFault::Truncate) if response.body().is_end_stream() => reset(response),
        Some(ConnectionFault::Truncate) => {
            let hint = response.body().size_hint();
            let left = hint.exact().map(|length| usize::try_from(length / 2).unwrap_or(usize::MAX));
            response.map(|body| Body::new(TruncatedBody { body, hint, left, closing: None }))
        }
        Some(ConnectionFault::Hang) | None => response,
    }
}

fn reset(mut response: Response) -> Response {
    *response.body_mut() = Body::empty();
    response.extensions_mut().insert(ResetConnection);
    response
}

/// The first half of a body, or its first part where its length is not known. It ends with an error, which closes the connection.
struct TruncatedBody {
    body: Body,
    /// The size of the whole body, which the head of the answer shows.
    hint: SizeHint,
    left: Option<usize>,
    /// Set when everything is sent that is to be sent.
    closing: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for TruncatedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        loop {
            if let Some(closing) = &mut self.closing {
                ready!(closing.as_mut().poll(context));
                return Poll::Ready(Some(Err(axum::Error::new(io::Error::other("a fault truncates the answer")))));
            }
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            let data = frame.and_then(Result::ok).and_then(|frame| frame.into_data().ok()).unwrap_or_default();
            let sent = data.slice(..data.len().min(self.left.unwrap_or(data.len())));
            self.left = self.left.map(|left| left - sent.len());
            if self.left.unwrap_or_default() == 0 || data.is_empty() {
                self.closing = Some(Box::pin(sleep(TRUNCATION_DELAY)));
            }
            if !sent.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(sent))));
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}
