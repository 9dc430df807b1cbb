//! The cache of the faults of each project.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use moka::future::Cache;

use crate::domain::fault::{DeliveryFault, Fault, FaultRule, RequestFault};
use crate::domain::project::ProjectId;
use crate::metrics::CacheCounters;

/// How long the faults of a project without requests stay in the cache.
const CACHE_IDLE_TIME: Duration = Duration::from_mins(1);
/// How many projects the cache holds at most.
const MAX_CACHED_PROJECTS: u64 = 1_000;

/// The faults of each project, by their version. The counts are not in it.
#[derive(Debug)]
pub struct FaultCache(Cache<(ProjectId, i64), Arc<CachedFaults>>);

/// The faults of a project, in the order of their creation.
#[derive(Debug, Default)]
pub struct CachedFaults {
    pub of_requests: Vec<CachedFault<RequestFault>>,
    pub of_deliveries: Vec<CachedFault<DeliveryFault>>,
}

/// A fault without its counts.
#[derive(Debug)]
pub struct CachedFault<R> {
    pub id: Arc<str>,
    pub rule: Arc<R>,
    /// A fault that is used up hits nothing any more, so that its matches need not be counted.
    pub is_used_up: AtomicBool,
}

impl Default for FaultCache {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_CACHED_PROJECTS).time_to_idle(CACHE_IDLE_TIME).build())
    }
}

impl FaultCache {
    /// Returns how many projects are cached.
    pub async fn entries(&self) -> u64 {
        // The cache counts what was added and what has expired only in these tasks.
        self.0.run_pending_tasks().await;
        self.0.entry_count()
    }

    /// Returns the faults of a project with that version, which `load` reads when they are not cached.
    ///
    /// # Errors
    /// Returns the error of `load`.
    pub async fn get<E>(
        &self,
        project: ProjectId,
        version: i64,
        counters: &CacheCounters,
        load: impl Future<Output = Result<Vec<Fault>, E>>,
    ) -> Result<Arc<CachedFaults>, E> {
        let cached = self.0.get(&(project, version)).await;
        counters.record(cached.is_some());
        if let Some(cached) = cached {
            return Ok(cached);
        }
        let faults = Arc::new(CachedFaults::of(load.await?));
        self.0.insert((project, version), Arc::clone(&faults)).await;
        Ok(faults)
    }
}

impl CachedFaults {
    fn of(faults: Vec<Fault>) -> Self {
        let mut cached = Self::default();
        for Fault { id, rule, matches: _, hits } in faults {
            let is_used_up = rule.schedule().times.is_some_and(|times| hits >= times);
            match rule {
                FaultRule::Request(rule) => cached.of_requests.push(CachedFault::new(id, rule, is_used_up)),
                FaultRule::Delivery(rule) => cached.of_deliveries.push(CachedFault::new(id, rule, is_used_up)),
            }
        }
        cached
    }
}

impl<R> CachedFault<R> {
    fn new(id: String, rule: R, is_used_up: bool) -> Self {
        Self { id: id.into(), rule: Arc::new(rule), is_used_up: AtomicBool::new(is_used_up) }
    }
}
