//! The cache of the rules of each project, and the lock between writers and changes of the rules.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use moka::future::Cache;
use sqlx::PgConnection;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock as AsyncRwLock};

use crate::db;
use crate::domain::filter::Filter;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::rules::{FilteredSegment, Rules};
use crate::metrics::CacheCounters;
use crate::service::Error;

/// How long an unused project stays in the cache.
const CACHE_IDLE_TIME: Duration = Duration::from_mins(10);
/// How many projects the cache holds at most.
const MAX_CACHED_PROJECTS: u64 = 10_000;

/// A cache of rules by project. Cached rules are used only after their version was compared with the database: a read
/// queries the version, and a write locks it.
#[derive(Debug)]
pub struct RulesCache(Cache<ProjectId, Arc<ProjectRules>>);

/// The cached rules of one project, and the lock between its writers.
#[derive(Debug, Default)]
pub(in crate::service) struct ProjectRules {
    rules: RwLock<Arc<Rules>>,
    /// Writers take this lock shared; a change of the rules takes it exclusively. A lock in the database does the same
    /// between processes. This one lets the requests of a project wait without holding a connection that other projects
    /// need.
    lock: Arc<AsyncRwLock<()>>,
}

impl Default for RulesCache {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_CACHED_PROJECTS).time_to_idle(CACHE_IDLE_TIME).build())
    }
}

impl RulesCache {
    /// Returns the entry of a project, which is added when it is missing.
    pub(in crate::service) async fn project(&self, project: ProjectId) -> Arc<ProjectRules> {
        self.0.get_with(project, async { Arc::default() }).await
    }

    /// Returns how many projects are cached.
    pub async fn entries(&self) -> u64 {
        // The cache counts what was added and what has expired only in these tasks.
        self.0.run_pending_tasks().await;
        self.0.entry_count()
    }

    /// Evicts a deleted project.
    pub(in crate::service) async fn evict(&self, project: ProjectId) {
        self.0.invalidate(&project).await;
    }
}

impl ProjectRules {
    /// Returns the rules as they were last read, or empty rules. The caller must check their version.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the lock of a writer, which other writers share. Must be called before a connection is acquired.
    pub async fn lock_shared(&self) -> OwnedRwLockReadGuard<()> {
        Arc::clone(&self.lock).read_owned().await
    }

    /// Takes the lock that excludes all writers of the project. Must be called before a connection is acquired.
    pub async fn lock_exclusive(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.lock).write_owned().await
    }

    /// Returns the rules of `version`, from the cache or from the database.
    pub async fn rules_of_version(
        &self,
        counters: &CacheCounters,
        connection: &mut PgConnection,
        project: ProjectId,
        version: i64,
    ) -> Result<Arc<Rules>, Error> {
        let cached = self.rules();
        let is_current = cached.version == version;
        counters.record(is_current);
        if is_current {
            return Ok(cached);
        }
        let loaded = Arc::new(load(connection, project, version).await?);
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&loaded);
        Ok(loaded)
    }
}

/// Loads the rules from the database. `version` must have been read before.
pub(super) async fn load(connection: &mut PgConnection, project: ProjectId, version: i64) -> Result<Rules, Error> {
    let mut rules = Rules {
        version,
        metadata_schemas: db::metadata_schemas::list(connection, project).await?,
        event_schemas: db::event_schemas::list(connection, project).await?,
        segments: Vec::new(),
        subscriptions: db::webhooks::list_subscriptions(connection, project).await?,
    };
    for segment in db::segments::list_filtered(connection, project).await? {
        let json = segment.filter.as_ref().map(JsonText::value).unwrap_or_default();
        // Filters are parsed when a segment is created, but a later change of a schema can make one invalid. Such a
        // filter matches no customer.
        let filter = rules.customer_filter(&json).unwrap_or_else(|_| Filter::match_none());
        let (id, name, kind, created_at) = (segment.id, segment.name, segment.kind, segment.created_at);
        rules.segments.push(FilteredSegment { id, name, kind, filter, created_at });
    }
    Ok(rules)
}
