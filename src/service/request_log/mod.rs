//! The log of the last requests of each project, in memory.

mod ring;
mod stream;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::watch;

use self::ring::{Content, ProjectLog, Slot};
use crate::domain::logged_request::{Details, LoggedRequest, RequestFilter, Texts};
use crate::domain::personal_values::PersonalValues;
use crate::domain::project::ProjectId;
use crate::metrics::LogSample;
use crate::service::{Error, Resource};

pub use self::stream::{RequestStream, StreamEvent};

/// How many bytes the logs of all projects may take.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// How many streams of one project may be open.
pub const MAX_STREAMS_PER_PROJECT: usize = 16;
/// How many streams may be open in all.
const MAX_STREAMS: usize = 128;
/// How many parts the map of the projects has, each with a lock of its own.
const SHARDS: usize = 16;
/// What the log of a project takes beside its places.
const PROJECT_BYTES: usize = size_of::<ProjectLog>() + 2 * size_of::<(ProjectId, Arc<ProjectLog>)>();

/// The logs of all projects.
#[derive(Debug)]
pub struct RequestLog {
    /// How many requests of each project are kept.
    capacity: usize,
    max_bytes: usize,
    shards: [RwLock<HashMap<ProjectId, Arc<ProjectLog>>>; SHARDS],
    bytes: AtomicUsize,
    /// Counts the requests of all projects, so that the oldest can be found.
    order: AtomicU64,
    /// Held by the thread that evicts requests.
    eviction: Mutex<()>,
    streams: Arc<AtomicUsize>,
    is_closed: watch::Sender<bool>,
}

impl RequestLog {
    /// Returns an empty log of `capacity` requests per project; 0 turns it off.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self::with_max_bytes(capacity, MAX_BYTES)
    }

    fn with_max_bytes(capacity: usize, max_bytes: usize) -> Self {
        Self {
            capacity,
            max_bytes,
            shards: Default::default(),
            bytes: AtomicUsize::new(0),
            order: AtomicU64::new(0),
            eviction: Mutex::new(()),
            streams: Arc::default(),
            is_closed: watch::Sender::new(false),
        }
    }

    /// Returns whether requests are kept.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.capacity > 0
    }

    /// Returns how many requests of each project are kept.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns how many bytes the logs of all projects take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Returns what the logs of all projects hold together.
    #[must_use]
    pub fn sample(&self) -> LogSample {
        let logs = self.shards.iter().flat_map(|shard| {
            shard.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect::<Vec<_>>()
        });
        let entries = logs.map(|log| log.lock().slots.len()).sum();
        LogSample { entries, bytes: self.bytes(), streams: self.streams.load(Ordering::Relaxed) }
    }

    fn shard(&self, project: ProjectId) -> &RwLock<HashMap<ProjectId, Arc<ProjectLog>>> {
        &self.shards[usize::try_from(project.0.unsigned_abs()).unwrap_or_default() % SHARDS]
    }

    fn find(&self, project: ProjectId) -> Option<Arc<ProjectLog>> {
        self.shard(project).read().unwrap_or_else(PoisonError::into_inner).get(&project).cloned()
    }

    fn find_or_create(&self, project: ProjectId) -> Arc<ProjectLog> {
        self.find(project).unwrap_or_else(|| {
            let mut shard = self.shard(project).write().unwrap_or_else(PoisonError::into_inner);
            let log = shard.entry(project).or_insert_with(|| {
                self.bytes.fetch_add(PROJECT_BYTES, Ordering::Relaxed);
                Arc::default()
            });
            Arc::clone(log)
        })
    }

    /// Keeps a request that began at `started`, in place of the oldest of its project if there are too many.
    pub fn add(&self, project: ProjectId, texts: &Texts<'_>, details: Details, started: Instant) {
        if !self.is_on() {
            return;
        }
        let log = self.find_or_create(project);
        {
            let mut ring = log.lock();
            if ring.last_erasure.is_some_and(|erasure| started <= erasure) {
                return;
            }
            let (replaced, freed) = ring.remove_surplus(self.capacity);
            let request = make(replaced, texts, details);
            let order = self.order.fetch_add(1, Ordering::Relaxed);
            let slot = Slot { number: ring.next, order, content: Content::Request(request) };
            self.bytes.fetch_add(slot.bytes(), Ordering::Relaxed);
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
            ring.slots.push_back(slot);
            ring.next += 1;
        }
        // A stream is counted before it looks at the ring, so one that is not counted here has seen the request.
        if log.streams.load(Ordering::Relaxed) > 0 {
            log.changed.notify_waiters();
        }
        if self.bytes() > self.max_bytes {
            self.evict();
        }
    }

    /// Removes the oldest requests of all projects, until an eighth of the memory is free. So this is rare.
    fn evict(&self) {
        // Another thread is evicting already.
        let Ok(_evicting) = self.eviction.try_lock() else { return };
        let logs: Vec<_> = self
            .shards
            .iter()
            .flat_map(|shard| {
                shard.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect::<Vec<_>>()
            })
            .collect();
        let mut slots: Vec<(u64, usize)> = Vec::new();
        for log in &logs {
            slots.extend(log.lock().slots.iter().map(|slot| (slot.order, slot.bytes())));
        }
        slots.sort_unstable();
        let mut surplus = self.bytes().saturating_sub(self.max_bytes - self.max_bytes / 8);
        let kept = slots.iter().find(|(_, bytes)| {
            let is_kept = surplus == 0;
            surplus = surplus.saturating_sub(*bytes);
            is_kept
        });
        let first_kept = kept.map_or(u64::MAX, |(order, _)| *order);
        for log in &logs {
            let freed = log.lock().remove_oldest(|slots| slots.front().is_some_and(|slot| slot.order < first_kept));
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
        }
        drop(logs);
        for shard in &self.shards {
            shard.write().unwrap_or_else(PoisonError::into_inner).retain(|_, log| {
                // A log with an erasure stays, because requests that began before it may still run.
                let is_used = Arc::strong_count(log) > 1 || {
                    let ring = log.lock();
                    !ring.slots.is_empty() || ring.last_erasure.is_some()
                };
                if !is_used {
                    self.bytes.fetch_sub(PROJECT_BYTES, Ordering::Relaxed);
                }
                is_used
            });
        }
    }

    /// Returns the newest requests that match, newest first and at most `limit`, and how many match.
    ///
    /// # Errors
    /// Returns [`Error::NotFound`] when the log has no request with the id `after`.
    pub fn list(
        &self,
        project: ProjectId,
        filter: &RequestFilter,
        limit: usize,
    ) -> Result<(Vec<Arc<LoggedRequest>>, usize), Error> {
        let log = self.find(project);
        let ring = log.as_ref().map(|log| log.lock());
        let slots = ring.as_ref().map(|ring| &ring.slots);
        let begin = match &filter.after {
            Some(id) => {
                let position = slots.and_then(|slots| slots.iter().rposition(|slot| slot.has_id(id)));
                position.ok_or_else(|| Error::not_found(Resource::LoggedRequest, id))? + 1
            }
            None => 0,
        };
        let (mut found, mut count) = (Vec::new(), 0);
        for request in slots.into_iter().flat_map(|slots| slots.iter().skip(begin).rev()).filter_map(Slot::request) {
            if filter.matches(request) {
                if count < limit {
                    found.push(Arc::clone(request));
                }
                count += 1;
            }
        }
        Ok((found, count))
    }

    /// Returns the request with that id.
    #[must_use]
    pub fn get(&self, project: ProjectId, id: &str) -> Option<Arc<LoggedRequest>> {
        let log = self.find(project)?;
        let ring = log.lock();
        ring.slots.iter().rev().find(|slot| slot.has_id(id)).and_then(Slot::request).cloned()
    }

    /// Removes all requests of a project.
    pub fn clear(&self, project: ProjectId) {
        if let Some(log) = self.find(project) {
            let freed = log.lock().remove_oldest(|slots| !slots.is_empty());
            self.bytes.fetch_sub(freed, Ordering::Relaxed);
        }
    }

    /// Removes every request of a project that holds one of the values of an erased person. A request that is running now, such as that
    /// of the erasure itself, is not kept when it ends.
    pub fn erase(&self, project: ProjectId, values: &PersonalValues) {
        if !self.is_on() {
            return;
        }
        let log = self.find_or_create(project);
        log.lock().last_erasure = Some(Instant::now());
        let erased: Vec<_> = log.holding(values).map(|request| request.texts().id.to_owned()).collect();
        let mut ring = log.lock();
        for slot in ring.slots.iter_mut().filter(|slot| slot.request().is_some()) {
            if let Some(id) = erased.iter().find(|id| slot.has_id(id)) {
                let before = slot.bytes();
                slot.content = Content::Erased(id.as_str().into());
                self.bytes.fetch_sub(before - slot.bytes(), Ordering::Relaxed);
            }
        }
    }

    /// Returns how many requests of a project hold one of the values.
    #[must_use]
    pub fn count_holding(&self, project: ProjectId, values: &PersonalValues) -> usize {
        self.find(project).map_or(0, |log| log.holding(values).count())
    }

    /// Opens a stream of the requests of a project that end from now on; `None` when too many streams are open.
    #[must_use]
    pub fn stream(&self, project: ProjectId) -> Option<RequestStream> {
        let log = self.find_or_create(project);
        let all = Arc::clone(&self.streams);
        let (of_project, of_all) = (log.streams.fetch_add(1, Ordering::Relaxed), all.fetch_add(1, Ordering::Relaxed));
        let next = log.lock().next;
        let stream = RequestStream { log, all, next, is_closed: self.is_closed.subscribe() };
        (of_project < MAX_STREAMS_PER_PROJECT && of_all < MAX_STREAMS).then_some(stream)
    }

    /// Waits until the server stops.
    pub async fn closed(&self) {
        // An error means that the log was dropped.
        let _ = self.is_closed.subscribe().wait_for(|is_closed| *is_closed).await;
    }

    /// Ends all streams, because the server stops.
    pub fn close(&self) {
        self.is_closed.send_replace(true);
    }
}

/// Returns a request with these texts, in the memory of one that is no longer kept if there is one that no reader holds.
fn make(replaced: Option<Arc<LoggedRequest>>, texts: &Texts<'_>, details: Details) -> Arc<LoggedRequest> {
    if let Some(mut shared) = replaced
        && let Some(request) = Arc::get_mut(&mut shared)
    {
        request.replace(texts, details);
        return shared;
    }
    Arc::new(LoggedRequest::new(texts, details))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: ProjectId = ProjectId(1);
    const OTHER: ProjectId = ProjectId(17);

    fn add(log: &RequestLog, project: ProjectId, id: &str, body: &str, started: Instant) {
        log.add(project, &Texts { id, response_body: body, ..Texts::default() }, Details::default(), started);
    }

    fn ids(log: &RequestLog, project: ProjectId) -> Vec<String> {
        let (found, _) = log.list(project, &RequestFilter::default(), usize::MAX).unwrap();
        found.iter().map(|request| request.texts().id.to_owned()).collect()
    }

    #[test]
    fn the_newest_requests_of_each_project_are_kept() {
        let log = RequestLog::new(2);
        for id in ["a", "b", "c"] {
            add(&log, PROJECT, id, "", Instant::now());
        }
        add(&log, OTHER, "d", "", Instant::now());
        assert_eq!(
            (ids(&log, PROJECT), ids(&log, OTHER)),
            (vec!["c".to_owned(), "b".to_owned()], vec!["d".to_owned()])
        );
        assert!(log.get(PROJECT, "a").is_none() && log.get(PROJECT, "d").is_none() && log.get(PROJECT, "c").is_some());
        log.clear(PROJECT);
        assert_eq!((ids(&log, PROJECT).len(), ids(&log, OTHER).len()), (0, 1));
    }

    #[test]
    fn the_oldest_requests_of_all_projects_go_when_the_memory_is_full() {
        let log = RequestLog::with_max_bytes(1_000, 100_000);
        let body = "x".repeat(900);
        for number in 0..500 {
            let project = if number % 5 == 0 { OTHER } else { PROJECT };
            add(&log, project, &number.to_string(), &body, Instant::now());
            assert!(log.bytes() <= 100_000, "{}", log.bytes());
        }
        let (own, other) = (ids(&log, PROJECT), ids(&log, OTHER));
        assert_eq!((own[0].as_str(), other[0].as_str()), ("499", "495"));
        let oldest = |ids: &[String]| ids.last().unwrap().parse::<usize>().unwrap();
        assert!(oldest(&own).abs_diff(oldest(&other)) <= 5, "{own:?} {other:?}");
        assert!(own.len() + other.len() > 60);
        log.clear(PROJECT);
        log.clear(OTHER);
        assert_eq!(log.bytes(), 2 * PROJECT_BYTES);
    }

    #[test]
    fn an_erasure_removes_what_holds_a_value_and_what_is_running() {
        let log = RequestLog::new(10);
        let started = Instant::now();
        add(&log, PROJECT, "a", r#"{"email":"alice@morgan.com"}"#, started);
        add(&log, PROJECT, "b", "", started);
        add(&log, OTHER, "c", "alice@morgan.com", started);
        let values = PersonalValues::new(["Alice@morgan.com"]);
        assert_eq!(log.count_holding(PROJECT, &values), 1);
        log.erase(PROJECT, &values);
        add(&log, PROJECT, "d", "ended after the erasure", started);
        assert_eq!((ids(&log, PROJECT), ids(&log, OTHER)), (vec!["b".to_owned()], vec!["c".to_owned()]));
        assert_eq!(log.count_holding(PROJECT, &values), 0);
        let after = |id: &str| RequestFilter { after: Some(id.to_owned()), ..RequestFilter::default() };
        assert_eq!(log.list(PROJECT, &after("a"), 10).unwrap().1, 1, "the place of the erased request is known");
        assert!(log.list(PROJECT, &after("c"), 10).is_err());
        add(&log, PROJECT, "e", "", Instant::now());
        assert_eq!(ids(&log, PROJECT), ["e", "b"]);
    }

    #[tokio::test]
    async fn a_slow_reader_loses_requests_and_is_told_how_many() {
        let log = RequestLog::new(2);
        let mut stream = log.stream(PROJECT).unwrap();
        for id in ["a", "b", "c"] {
            add(&log, PROJECT, id, "", Instant::now());
        }
        assert!(matches!(stream.next().await, Some(StreamEvent::Lost(1))));
        for expected in ["b", "c"] {
            let Some(StreamEvent::Request(request)) = stream.next().await else { panic!() };
            assert_eq!(request.texts().id, expected);
        }
        log.close();
        assert!(stream.next().await.is_none());
    }

    #[test]
    fn the_number_of_streams_is_limited() {
        let log = RequestLog::new(2);
        let streams: Vec<_> = (0..MAX_STREAMS_PER_PROJECT).map(|_| log.stream(PROJECT).unwrap()).collect();
        assert!(log.stream(PROJECT).is_none() && log.stream(OTHER).is_some());
        drop(streams);
        assert!(log.stream(PROJECT).is_some());
    }
}
