//! The state that every service function works with.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Caller;
use super::jobs::scheduler::JobScheduler;
use super::rules::cache::RulesCache;
use super::webhooks::delivery_notifier::DeliveryNotifier;
use crate::clock::Clock;
use crate::db::batches::Batches;
use crate::db::pool::Pool;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::json::JsonText;
use crate::domain::project_time::{JobRowTimes, ProjectTime};
use crate::ids::Ids;

/// The state of one emulator that its services share.
#[derive(Debug)]
pub struct Core {
    pub pool: Pool,
    /// The requests that are answered together.
    pub batches: Batches,
    pub clock: Clock,
    pub ids: Ids,
    pub rules_cache: RulesCache,
    pub job_scheduler: JobScheduler,
    pub delivery_notifier: DeliveryNotifier,
}

impl Core {
    /// Returns the current time of a project whose jobs have written rows at `job_rows`.
    pub(super) fn project_time(&self, job_rows: Option<JobRowTimes>) -> ProjectTime {
        ProjectTime::new(self.clock.now(), self.clock.is_frozen(), job_rows)
    }

    /// Creates an activity entry of a customer, for a change that `caller` makes at `now`.
    pub(super) fn activity_entry(
        &self,
        caller: &Caller,
        customer_id: &str,
        kind: ActivityType,
        data: JsonText,
        now: DateTime<Utc>,
    ) -> ActivityEntry {
        ActivityEntry {
            customer_id: customer_id.to_owned(),
            id: self.ids.time_ordered("evcus_", now),
            kind,
            group_id: caller.request_id.clone(),
            app_id: Arc::clone(&caller.app_id),
            channel: caller.channel,
            data,
            referrer: None,
            created_at: now,
        }
    }
}
