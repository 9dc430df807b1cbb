//! What is known about one connection, shared by the task that serves it and the sweep.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::elapsed::{has_passed, now};
use super::limits::ConnectionLimits;
use super::request_body::BodyProgress;

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// It waits for the first byte of a request.
    Idle,
    /// It has received a part of the head of a request, or of the handshake of TLS.
    Head,
    /// The service has a request, or its response is being sent.
    Serving,
    /// The response has ended, and its last bytes may wait to be written.
    Ended,
    /// No request is answered any more.
    Closing,
}

const PHASES: [Phase; 5] = [Phase::Idle, Phase::Head, Phase::Serving, Phase::Ended, Phase::Closing];

/// The state of one connection.
#[derive(Debug)]
pub(super) struct ConnectionState {
    phase: AtomicU8,
    /// When the phase began, in milliseconds of [`now`]. It is not kept up to date in the phases that have no limit of time.
    since: AtomicU64,
    /// When the client began to receive nothing, in milliseconds of [`now`]; 0 while bytes can be sent.
    blocked_since: AtomicU64,
    /// Whether the client may still send data when the last answer has been written.
    lingers: AtomicBool,
    is_stopping: AtomicBool,
    is_expired: AtomicBool,
    /// Whether the connection is closed with a reset instead of an orderly end.
    is_reset: AtomicBool,
    /// Whether the client speaks TLS.
    is_secure: AtomicBool,
    /// The body of the current request, if it has one.
    body: Mutex<Option<Arc<BodyProgress>>>,
    /// Wakes the task of the connection, which then looks at the flags.
    pub changed: Notify,
}

impl ConnectionState {
    pub fn new() -> Self {
        Self {
            phase: AtomicU8::new(Phase::Idle as u8),
            since: AtomicU64::new(now()),
            blocked_since: AtomicU64::new(0),
            lingers: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
            is_expired: AtomicBool::new(false),
            is_reset: AtomicBool::new(false),
            is_secure: AtomicBool::new(false),
            body: Mutex::new(None),
            changed: Notify::new(),
        }
    }

    pub fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Acquire)) % PHASES.len()]
    }

    fn enter(&self, phase: Phase) {
        self.since.store(now(), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Returns when an idle or half-open connection became so; `None` for a connection that serves a request.
    pub fn disposable_since(&self) -> Option<u64> {
        matches!(self.phase(), Phase::Idle | Phase::Head | Phase::Closing).then(|| self.since.load(Ordering::Relaxed))
    }

    /// The client has sent bytes.
    pub fn received(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// The handshake of TLS has ended. The time until the first request begins.
    pub fn secured(&self) {
        self.is_secure.store(true, Ordering::Relaxed);
        if self.phase() == Phase::Head {
            self.enter(Phase::Idle);
        }
    }

    pub fn is_secure(&self) -> bool {
        self.is_secure.load(Ordering::Relaxed)
    }

    /// The service has been called.
    pub fn begin(&self) {
        self.phase.store(Phase::Serving as u8, Ordering::Release);
    }

    /// The body of the response has ended.
    pub fn end(&self) {
        let (serving, ended) = (Phase::Serving as u8, Phase::Ended as u8);
        let _ = self.phase.compare_exchange(serving, ended, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// All bytes that hyper had to write are written.
    pub fn flushed(&self) {
        if self.phase() == Phase::Ended {
            self.enter(Phase::Idle);
        }
    }

    /// No further request is answered.
    pub fn close(&self) {
        if self.phase() != Phase::Closing {
            self.enter(Phase::Closing);
        }
    }

    /// Bytes cannot be written, because the client does not receive.
    pub fn blocked(&self) {
        let _ = self.blocked_since.compare_exchange(0, now(), Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Bytes have been written.
    pub fn unblocked(&self) {
        if self.blocked_since.load(Ordering::Relaxed) != 0 {
            self.blocked_since.store(0, Ordering::Relaxed);
        }
    }

    /// Data that the client sends after the last answer is discarded, so that the client can read the answer.
    pub fn linger(&self) {
        self.lingers.store(true, Ordering::Relaxed);
    }

    pub fn lingers(&self) -> bool {
        self.lingers.load(Ordering::Relaxed)
    }

    /// The server stops: the current request is the last one.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// The connection has to be closed whatever it does.
    pub fn expire(&self) {
        self.is_expired.store(true, Ordering::Relaxed);
        self.changed.notify_one();
    }

    pub fn is_expired(&self) -> bool {
        self.is_expired.load(Ordering::Relaxed)
    }

    /// The connection has to be closed at once, so that the client sees a reset.
    pub fn reset(&self) {
        self.is_reset.store(true, Ordering::Relaxed);
        self.expire();
    }

    pub fn is_reset(&self) -> bool {
        self.is_reset.load(Ordering::Relaxed)
    }

    /// Sets the body of the current request.
    pub fn set_body(&self, body: Option<Arc<BodyProgress>>) {
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = body;
    }

    /// Returns the body of the current request.
    pub fn body(&self) -> Option<Arc<BodyProgress>> {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks the limits of time. Wakes the connection when it is idle or half-open for too long, or is to be closed; ends the wait for a
    /// request body that does not arrive.
    pub fn check(&self, limits: &ConnectionLimits, now: u64) {
        let blocked_since = self.blocked_since.load(Ordering::Relaxed);
        if blocked_since != 0 && has_passed(limits.receive, blocked_since, now) {
            return self.expire();
        }
        let since = self.since.load(Ordering::Relaxed);
        match self.phase() {
            Phase::Idle if has_passed(limits.idle, since, now) => self.changed.notify_one(),
            Phase::Head if has_passed(limits.head, since, now) => self.changed.notify_one(),
            Phase::Closing if has_passed(limits.linger, since, now) => self.expire(),
            Phase::Serving => {
                if let Some(body) = self.body() {
                    body.check(limits, now);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_only_when_its_answer_is_written() {
        let state = ConnectionState::new();
        state.received();
        assert_eq!(state.phase(), Phase::Head);
        state.begin();
        state.received();
        state.flushed();
        assert_eq!((state.phase(), state.disposable_since()), (Phase::Serving, None));
        state.end();
        assert_eq!((state.phase(), state.disposable_since()), (Phase::Ended, None));
        state.flushed();
        assert_eq!(state.phase(), Phase::Idle);
        state.close();
        state.end();
        state.flushed();
        assert_eq!(state.phase(), Phase::Closing);
    }
}
