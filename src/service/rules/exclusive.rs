//! A transaction that excludes all other writers of its project.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::sync::OwnedRwLockWriteGuard;

use crate::db;
use crate::db::pool::Transaction;
use crate::domain::project::ProjectId;
use crate::domain::project_clock::ProjectClock;
use crate::domain::project_time::ProjectTime;
use crate::domain::rules::Rules;
use crate::ids::IdSource;
use crate::service::id_source::{id_source, store_id_counts};
use crate::service::pending_work::WorkKind;
use crate::service::{Caller, Core, Error};

/// A transaction that excludes all other writers of its project. If it is dropped before
/// [`ExclusiveTransaction::commit`], it is rolled back.
#[derive(Debug)]
pub(in crate::service) struct ExclusiveTransaction {
    pub transaction: Transaction,
    /// The rules at the start of the transaction.
    pub rules: Arc<Rules>,
    /// The time of the project at the start of the transaction.
    pub time: ProjectTime,
    /// The clock of the project at the start of the transaction.
    pub clock: ProjectClock,
    /// The identifiers of the transaction.
    pub ids: IdSource,
    project: ProjectId,
    _lock: OwnedRwLockWriteGuard<()>,
}

impl ExclusiveTransaction {
    /// Waits until the current writers of the project have finished, and begins.
    pub async fn begin(core: &Core, caller: &Caller) -> Result<Self, Error> {
        // It may record changes, or make waiting deliveries due.
        core.pending_work.note(&core.pool, caller.project, WorkKind::Delivery).await?;
        let cached = core.rules_cache.project(caller.project).await;
        let lock = cached.lock_exclusive().await;
        let (mut transaction, state) = db::rules::begin_exclusive(&core.pool, caller.project).await?;
        let rules = cached
            .rules_of_version(&core.metrics.caches.rules, &mut transaction, caller.project, state.rules_version)
            .await?;
        let time = core.project_time(&state);
        let clock = state.clock;
        let ids = id_source(core, &mut transaction, caller.project, state.identifier_seed).await?;
        Ok(Self { transaction, rules, time, clock, ids, project: caller.project, _lock: lock })
    }

    /// Returns the connection of the transaction.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Rolls back, and returns when the database has released the locks of the transaction.
    pub async fn roll_back(self) {
        self.transaction.roll_back().await;
    }

    /// Commits the transaction.
    pub async fn commit(mut self) -> Result<(), Error> {
        store_id_counts(&mut self.transaction, self.project, &self.ids).await?;
        Ok(self.transaction.commit().await?)
    }
}

/// Replaces the members of the segments whose filter depends on the time by those of the time `now`. Nothing is recorded.
pub(in crate::service) async fn recompute_for_time(
    exclusive: &mut ExclusiveTransaction,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (rules, project) = (Arc::clone(&exclusive.rules), exclusive.project);
    for segment in rules.segments.iter().filter(|segment| segment.filter.depends_on_time()) {
        let (connection, id) = (exclusive.connection(), &segment.id);
        db::segments::recompute_members(connection, project, id, &segment.filter, None, None, now).await?;
        db::segments::set_evaluated_at(connection, project, id, Some(now)).await?;
    }
    Ok(())
}
