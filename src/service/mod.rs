//! The business: each function is one transaction, from its start to its commit. No SQL text, no HTTP.

pub mod consents;
pub mod credentials;
pub mod customers;
pub mod event_schemas;
pub mod events;
pub mod metadata_schemas;
pub mod orders;
pub mod permanent_deletion;
pub mod segments;

mod error;
mod retry;

use crate::clock::Clock;
use crate::db::pool::Pool;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::ids::Ids;
use chrono::{DateTime, Utc};

pub use error::{Error, Resource};
use retry::retry;

/// What every service works with.
#[derive(Debug)]
pub struct Core {
    pub pool: Pool,
    pub clock: Clock,
    pub ids: Ids,
}

/// On whose behalf a service works.
#[derive(Clone, Debug)]
pub struct Caller {
    pub project: ProjectId,
    /// `v-...`; the entries that the request causes carry it as their group.
    pub request_id: String,
}

impl Core {
    /// An activity entry that `caller` causes at `now`.
    fn entry(&self, caller: &Caller, kind: ActivityType, data: JsonText, now: DateTime<Utc>) -> ActivityEntry {
        ActivityEntry {
            id: self.ids.timed("evcus_", now),
            kind,
            group_id: caller.request_id.clone(),
            data,
            referrer: None,
            created_at: now,
        }
    }
}
