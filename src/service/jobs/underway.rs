//! Which jobs the workers of this process are at.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::job::Slice;

/// The jobs that some worker of this process has begun with, and what it has come to. One may wait long before it has its
/// job's row, which tells other processes: for everyone who writes in the project, where the job must be alone in it. Without a
/// word the other workers would wait with it.
#[derive(Debug, Default)]
pub struct Underway(Mutex<HashMap<String, Option<Tried>>>);

/// What tells a slice from the others, and from those that it is split into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tried {
    number: i64,
    records: usize,
}

impl Tried {
    fn of(slice: &Slice) -> Self {
        Self { number: slice.number, records: slice.records.len() }
    }
}

/// One worker being at one job, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    underway: &'a Underway,
    id: String,
}

impl Underway {
    fn jobs(&self) -> MutexGuard<'_, HashMap<String, Option<Tried>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ids of the jobs that are begun.
    pub(super) fn ids(&self) -> Vec<String> {
        self.jobs().keys().cloned().collect()
    }

    /// Begins with the job; `None` where another worker has.
    pub(super) fn begin(&self, id: &str) -> Option<Turn<'_>> {
        let mut jobs = self.jobs();
        if jobs.contains_key(id) {
            return None;
        }
        jobs.insert(id.to_owned(), None);
        Some(Turn { underway: self, id: id.to_owned() })
    }

    /// Says which slice of the job is tried now.
    pub(super) fn tries(&self, id: &str, slice: &Slice) {
        self.jobs().insert(id.to_owned(), Some(Tried::of(slice)));
    }
}

impl Turn<'_> {
    /// Whether that is the slice that was tried; another process may have come further since. Where it did not come to any,
    /// every slice is.
    pub(super) fn was_at(&self, slice: &Slice) -> bool {
        self.underway.jobs().get(&self.id).copied().flatten().is_none_or(|tried| tried == Tried::of(slice))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.underway.jobs().remove(&self.id);
    }
}
