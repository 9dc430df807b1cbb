//! A stream of the requests of one project.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use super::ring::{ProjectLog, Slot};
use crate::domain::logged_request::LoggedRequest;

/// The requests of a project from the time at which the stream was opened. It holds no request itself: a reader that is slower than the
/// requests are replaced in the log loses the oldest of them.
#[derive(Debug)]
pub struct RequestStream {
    pub(super) log: Arc<ProjectLog>,
    /// The number of open streams of all projects.
    pub(super) all: Arc<AtomicUsize>,
    /// The number of the next request.
    pub(super) next: u64,
    pub(super) is_closed: watch::Receiver<bool>,
}

/// What a stream yields.
#[derive(Debug)]
pub enum StreamEvent {
    Request(Arc<LoggedRequest>),
    /// So many requests were removed from the log before the stream was read.
    Lost(u64),
}

impl RequestStream {
    /// Waits for the next event; `None` when the server stops.
    pub async fn next(&mut self) -> Option<StreamEvent> {
        loop {
            let log = Arc::clone(&self.log);
            let mut changed = pin!(log.changed.notified());
            // Register interest before looking, so that a request that is added meanwhile still wakes this task.
            changed.as_mut().enable();
            if *self.is_closed.borrow() {
                return None;
            }
            if let Some(event) = self.next_in_log() {
                return Some(event);
            }
            tokio::select! {
                () = changed => {}
                // An error means that the log was dropped.
                closed = self.is_closed.changed() => closed.ok()?,
            }
        }
    }

    fn next_in_log(&mut self) -> Option<StreamEvent> {
        let ring = self.log.lock();
        // Numbers ascend without gaps, so the position follows from the first number.
        let first = ring.slots.front().map_or(ring.next, |slot| slot.number);
        if self.next < first {
            let lost = first - self.next;
            self.next = first;
            return Some(StreamEvent::Lost(lost));
        }
        if self.next == ring.next {
            return None;
        }
        let slot = usize::try_from(self.next - first).ok().and_then(|index| ring.slots.get(index));
        self.next += 1;
        Some(match slot.and_then(Slot::request) {
            Some(request) => StreamEvent::Request(Arc::clone(request)),
            None => StreamEvent::Lost(1),
        })
    }
}

impl Drop for RequestStream {
    fn drop(&mut self) {
        self.log.streams.fetch_sub(1, Ordering::Relaxed);
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}
