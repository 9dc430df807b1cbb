//! The cache of the faults of each project.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use moka::future::Cache;

use crate::domain::fault::{Fault, FaultRule};
use crate::domain::project::ProjectId;

/// How long the faults of a project without requests stay in the cache.
const CACHE_IDLE_TIME: Duration = Duration::from_mins(1);
/// How many projects the cache holds at most.
const MAX_CACHED_PROJECTS: u64 = 1_000;

/// The rules of the faults of each project, by their version. The counts are not in it.
#[derive(Debug)]
pub struct FaultCache(Cache<(ProjectId, i64), Arc<[CachedFault]>>);

/// A fault without its counts.
#[derive(Debug)]
pub struct CachedFault {
    pub id: Arc<str>,
    pub rule: Arc<FaultRule>,
    /// A fault that is used up hits nothing any more, so that its matches need not be counted.
    pub is_used_up: AtomicBool,
}

impl Default for FaultCache {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_CACHED_PROJECTS).time_to_idle(CACHE_IDLE_TIME).build())
    }
}

impl FaultCache {
    /// Returns the faults of a project with that version, which `load` reads when they are not cached.
    ///
    /// # Errors
    /// Returns the error of `load`.
    pub async fn get<E>(
        &self,
        project: ProjectId,
        version: i64,
        load: impl Future<Output = Result<Vec<Fault>, E>>,
    ) -> Result<Arc<[CachedFault]>, E> {
        if let Some(cached) = self.0.get(&(project, version)).await {
            return Ok(cached);
        }
        let faults: Arc<[_]> = load.await?.into_iter().map(CachedFault::of).collect();
        self.0.insert((project, version), Arc::clone(&faults)).await;
        Ok(faults)
    }
}

impl CachedFault {
    fn of(fault: Fault) -> Self {
        Self {
            id: fault.id.into(),
            is_used_up: AtomicBool::new(fault.rule.times.is_some_and(|times| fault.hits >= times)),
            rule: Arc::new(fault.rule),
        }
    }
}
