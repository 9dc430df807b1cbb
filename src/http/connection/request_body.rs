//! The body of a request, whose arrival is limited in time.

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::elapsed::{has_passed, now};
use super::limits::{ConnectionLimits, MAX_DISCARDED_BYTES};

/// Why a request body is not whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the request body did not arrive in time")]
    Timeout,
    /// The client disconnected, or sent a malformed chunk.
    #[error(transparent)]
    Broken(#[from] hyper::Error),
}

/// Returns whether the client was too slow to send its body.
pub(crate) fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(BodyError::Timeout)) || error.source().is_some_and(is_timeout)
}

/// How far a request body has arrived. It is an extension of each request that has a body.
#[derive(Debug)]
pub(crate) struct BodyProgress(Mutex<Progress>);

#[derive(Debug)]
struct Progress {
    /// When the request began, in milliseconds of [`now`].
    started: u64,
    /// When the last part of the body was read.
    active: u64,
    /// Wakes the task that waits for the client; `None` while no task waits.
    waiting: Option<Waker>,
    /// Whether the handler has read a part of the body.
    was_read: bool,
    is_whole: bool,
    is_timed_out: bool,
    /// What the handler has left unread.
    rest: Option<Incoming>,
}

impl Progress {
    fn time_out(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            self.is_timed_out = true;
            waiting.wake();
        }
    }
}

impl BodyProgress {
    pub(super) fn new() -> Self {
        let started = now();
        Self(Mutex::new(Progress {
            started,
            active: started,
            waiting: None,
            was_read: false,
            is_whole: false,
            is_timed_out: false,
            rest: None,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how long the server has worked since the client last sent a part of the body. It is zero while the server waits for
    /// the client.
    pub(crate) fn time_since_client(&self) -> Duration {
        let progress = self.lock();
        match progress.waiting {
            Some(_) => Duration::ZERO,
            None => Duration::from_millis(now().saturating_sub(progress.active)),
        }
    }

    /// Ends the wait for the client when it exceeds a limit.
    pub(super) fn check(&self, limits: &ConnectionLimits, now: u64) {
        let mut progress = self.lock();
        if has_passed(limits.body_progress, progress.active, now) || has_passed(limits.body, progress.started, now) {
            progress.time_out();
        }
    }

    /// Ends the wait for the client.
    pub(super) fn time_out(&self) {
        self.lock().time_out();
    }

    /// Returns when the client last sent a part of the body, while the server waits for another one.
    pub(super) fn waiting_since(&self) -> Option<u64> {
        let progress = self.lock();
        progress.waiting.is_some().then_some(progress.active)
    }

    /// Discards what the handler has left unread, within limits and until the server stops, and returns whether the whole body has been received. Only then can
    /// the connection receive another request.
    pub(super) async fn discard_rest(
        &self,
        expects_continue: bool,
        limits: &ConnectionLimits,
        is_stopping: impl Fn() -> bool,
    ) -> bool {
        let mut rest = {
            let mut progress = self.lock();
            match progress.rest.take() {
                // A client that waits for `100 Continue` sends its body only if it is asked for it.
                Some(rest) if progress.was_read || !expects_continue => rest,
                // Without a rest the body is whole or broken, or a detached handler still has it.
                _ => return progress.is_whole,
            }
        };
        let max_bytes = u64::try_from(MAX_DISCARDED_BYTES).unwrap_or(u64::MAX);
        if rest.size_hint().lower() > max_bytes {
            return false;
        }
        let mut left = max_bytes;
        let discard = poll_fn(|context| {
            loop {
                if is_stopping() || left == 0 {
                    return Poll::Ready(false);
                }
                match Pin::new(&mut rest).poll_frame(context) {
                    Poll::Ready(Some(Ok(frame))) => {
                        let bytes = frame.data_ref().map_or(0, Bytes::len);
                        left = left.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
                    }
                    Poll::Ready(Some(Err(_))) => return Poll::Ready(false),
                    Poll::Ready(None) => return Poll::Ready(true),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        timeout(limits.discard, discard).await.unwrap_or(false)
    }
}

/// The body of a request. What is unread when it is dropped stays in its [`BodyProgress`].
#[derive(Debug)]
pub(super) struct RequestBody {
    /// `None` when the body has ended.
    incoming: Option<Incoming>,
    progress: Arc<BodyProgress>,
}

impl RequestBody {
    pub fn new(incoming: Incoming, progress: Arc<BodyProgress>) -> Self {
        Self { incoming: Some(incoming), progress }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        let polled = Pin::new(&mut *incoming).poll_frame(context);
        let mut progress = this.progress.lock();
        progress.was_read = true;
        let frame = match polled {
            Poll::Pending if progress.is_timed_out => Some(Err(BodyError::Timeout)),
            Poll::Pending => {
                progress.waiting = Some(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(frame) => frame.map(|frame| frame.map_err(BodyError::from)),
        };
        progress.waiting = None;
        progress.active = now();
        progress.is_whole = match &frame {
            Some(Ok(_)) => incoming.is_end_stream(),
            Some(Err(_)) => false,
            None => true,
        };
        if progress.is_whole || !matches!(frame, Some(Ok(_))) {
            this.incoming = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let mut progress = self.progress.lock();
        if progress.waiting.take().is_some() {
            progress.active = now();
        }
        progress.rest = self.incoming.take();
    }
}
