//! The log of one project.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::domain::logged_request::LoggedRequest;
use crate::domain::personal_values::PersonalValues;

/// What a place in a log takes beside the request: the place itself twice, because the ring may have as many free places, and the
/// counters of the `Arc`.
const SLOT_BYTES: usize = 2 * size_of::<Slot>() + 2 * size_of::<usize>();
/// The log of one project.
#[derive(Debug, Default)]
pub struct ProjectLog {
    ring: Mutex<Ring>,
    /// Wakes the streams.
    pub changed: Notify,
    pub streams: AtomicUsize,
}

/// The places of a log, oldest first.
#[derive(Debug, Default)]
pub struct Ring {
    pub slots: VecDeque<Slot>,
    /// The number of the next request of the project.
    pub next: u64,
    /// When a customer was last erased. A request that began before and ends after may hold what was erased, so it is not kept.
    pub last_erasure: Option<Instant>,
}

/// A place in a log.
#[derive(Debug)]
pub struct Slot {
    /// The number of the request in its project.
    pub number: u64,
    /// The number of the request among those of all projects.
    pub order: u64,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    Request(Arc<LoggedRequest>),
    /// The id of a request that was erased. It stays, so that the requests after it can still be found.
    Erased(Box<str>),
}

impl Slot {
    pub fn request(&self) -> Option<&Arc<LoggedRequest>> {
        match &self.content {
            Content::Request(request) => Some(request),
            Content::Erased(_) => None,
        }
    }

    pub fn has_id(&self, id: &str) -> bool {
        match &self.content {
            Content::Request(request) => request.texts().id == id,
            Content::Erased(erased) => **erased == *id,
        }
    }

    pub fn bytes(&self) -> usize {
        SLOT_BYTES
            + match &self.content {
                Content::Request(request) => request.bytes(),
                Content::Erased(id) => id.len(),
            }
    }
}

impl ProjectLog {
    pub fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the requests that hold one of the values. The lock is not held while they are searched.
    pub fn holding(&self, values: &PersonalValues) -> impl Iterator<Item = Arc<LoggedRequest>> {
        let requests: Vec<_> = self.lock().slots.iter().filter_map(Slot::request).cloned().collect();
        requests.into_iter().filter(|request| request.holds(values))
    }
}

impl Ring {
    /// Removes the oldest requests until there is a place for another one of `capacity`. Returns the last of them, whose memory the other
    /// one can take, and how many bytes they were.
    pub fn remove_surplus(&mut self, capacity: usize) -> (Option<Arc<LoggedRequest>>, usize) {
        let (mut removed, mut freed) = (None, 0);
        while self.slots.len() >= capacity
            && let Some(slot) = self.slots.pop_front()
        {
            freed += slot.bytes();
            removed = match slot.content {
                Content::Request(request) => Some(request),
                Content::Erased(_) => None,
            };
        }
        (removed, freed)
    }

    /// Removes the oldest requests while `is_surplus`, and returns how many bytes that frees.
    pub fn remove_oldest(&mut self, is_surplus: impl Fn(&VecDeque<Slot>) -> bool) -> usize {
        let mut freed = 0;
        while is_surplus(&self.slots) {
            freed += self.slots.pop_front().map_or(0, |slot| slot.bytes());
        }
        freed
    }
}
