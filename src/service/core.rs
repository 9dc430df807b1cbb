//! The state that every service function works with.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::cache_generation::CacheGeneration;
use super::database_health::DatabaseHealth;
use super::faults::cache::FaultCache;
use super::jobs::scheduler::JobScheduler;
use super::pending_work::{PendingWork, WorkKind};
use super::request_log::RequestLog;
use super::rules::cache::RulesCache;
use super::webhooks::delivery_notifier::DeliveryNotifier;
use super::work_counts::WorkCounts;
use super::{Caller, Error};
use crate::clock::Clock;
use crate::db;
use crate::db::batches::Batches;
use crate::db::pool::Pool;
use crate::db::rules::ProjectState;
use crate::domain::project::ProjectId;
use crate::domain::project_clock::ProjectClock;
use crate::domain::project_control::ProjectControl;
use crate::domain::project_time::ProjectTime;
use crate::domain::rules::Rules;
use crate::ids::Ids;
use crate::metrics::Metrics;
use crate::trace::Tracer;

/// The state of one emulator that its services share.
#[derive(Debug)]
pub struct Core {
    pub pool: Pool,
    pub database_health: DatabaseHealth,
    /// The requests that are answered together.
    pub batches: Batches,
    /// Real time. What a project shows follows the clock of the project instead.
    pub clock: Clock,
    pub ids: Arc<Ids>,
    pub rules_cache: RulesCache,
    pub job_scheduler: JobScheduler,
    pub delivery_notifier: DeliveryNotifier,
    pub pending_work: PendingWork,
    pub request_log: RequestLog,
    pub faults: FaultCache,
    /// The ids of the operations that faults can hit.
    pub fault_operations: HashSet<&'static str>,
    /// Invalidates what the [`Authenticator`](super::authenticator::Authenticator) has cached.
    pub credentials: CacheGeneration,
    pub metrics: Metrics,
    pub tracer: Tracer,
    /// The unfinished work of all projects, as the metrics show it.
    pub work_counts: WorkCounts,
}

impl Core {
    /// Returns the time of the clock of the caller's project, as it was when the request was authenticated.
    pub fn now(&self, caller: &Caller) -> DateTime<Utc> {
        caller.control.clock.at(self.clock.now())
    }

    /// Returns a caller for changes of a project that no request makes, with what the control plane has set for the project.
    ///
    /// # Errors
    /// Returns [`Error::AccessRevoked`] for a project that was deleted.
    pub async fn caller_of(&self, project: ProjectId) -> Result<Caller, Error> {
        let mut connection = self.pool.acquire_for(project).await?;
        let found = db::rules::state(&mut connection, project).await;
        connection.release();
        let state = match found {
            Err(sqlx::Error::RowNotFound) => return Err(Error::AccessRevoked),
            found => found?,
        };
        let is_seeded = state.identifier_seed.is_some();
        let control = ProjectControl { clock: state.clock, is_seeded, ..ProjectControl::default() };
        Ok(Caller { control, ..Caller::system(project) })
    }

    /// Notes that a transaction with these rules may add deliveries, if a webhook subscribes to anything.
    pub(super) async fn note_deliveries(&self, project: ProjectId, rules: &Rules) -> Result<(), Error> {
        if rules.subscriptions.is_empty() {
            return Ok(());
        }
        self.pending_work.note(&self.pool, project, WorkKind::Delivery).await
    }

    /// Returns the current time of a project in that state.
    pub(super) fn project_time(&self, state: &ProjectState) -> ProjectTime {
        let is_frozen = match state.clock {
            ProjectClock::Real => self.clock.is_frozen(),
            ProjectClock::Offset(_) => false,
            ProjectClock::Frozen(_) => true,
        };
        ProjectTime::new(state.clock.at(self.clock.now()), is_frozen, state.job_rows)
    }
}
