//! The business: each function is one transaction, from its start to its commit. No SQL text, no HTTP.

pub mod authority;
pub mod consents;
pub mod customers;
pub mod customers_by_source_id;
pub mod event_schemas;
pub mod events;
pub mod jobs;
pub mod keys;
pub mod metadata_schemas;
pub mod named_keys;
pub mod oauth;
pub mod orders;
pub mod permanent_deletion;
pub mod projects;
pub mod rules;
pub mod segments;
pub mod webhooks;

mod error;
mod provision;
mod retry;
mod work;

use std::sync::Arc;

use crate::clock::Clock;
use crate::db::pool::Pool;
use crate::domain::activity::{ActivityEntry, ActivityType};
use crate::domain::credential::Channel;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::ids::Ids;
use chrono::{DateTime, Utc};

pub use error::{Error, Resource};
use jobs::Turns;
use retry::retry;
use rules::RulesMemory;
use webhooks::Outbox;
use work::Work;

/// What every service works with.
#[derive(Debug)]
pub struct Core {
    pub pool: Pool,
    pub clock: Clock,
    pub ids: Ids,
    pub rules: RulesMemory,
    pub turns: Turns,
    pub outbox: Outbox,
}

/// On whose behalf a service works.
#[derive(Clone, Debug)]
pub struct Caller {
    pub project: ProjectId,
    /// The key that was presented, or that the token came from.
    pub app_id: Arc<str>,
    /// The door through which the request came.
    pub channel: Channel,
    /// `v-...`; the entries that the request causes carry it as their group.
    pub request_id: String,
}

impl Caller {
    /// Nobody in particular: for what the emulator does by itself, of which no entry tells.
    fn of_nobody(project: ProjectId) -> Self {
        Self { project, app_id: "".into(), channel: Channel::Api, request_id: String::new() }
    }
}

impl Core {
    /// An activity entry of a customer that `caller` causes at `now`.
    fn entry(
        &self,
        caller: &Caller,
        customer_id: &str,
        kind: ActivityType,
        data: JsonText,
        now: DateTime<Utc>,
    ) -> ActivityEntry {
        ActivityEntry {
            customer_id: customer_id.to_owned(),
            id: self.ids.timed("evcus_", now),
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
