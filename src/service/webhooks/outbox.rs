//! From a change to the courier: which deliveries follow from entries, and the word that there are some.

use std::time::Duration;

use chrono::{DateTime, Utc};
use moka::sync::Cache;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::domain::activity::ActivityEntry;
use crate::domain::project::ProjectId;
use crate::domain::rules::Rules;
use crate::domain::webhook::{DueDelivery, NewDelivery};
use crate::service::Core;

/// How long it is remembered that nothing of somebody is to be sent any more: longer than the courier has anything in hand.
const WITHDRAWN_FOR: Duration = Duration::from_mins(1);
/// How many are remembered at once.
const WITHDRAWN: u64 = 100_000;

/// What the courier of this process is told.
#[derive(Debug)]
pub struct Outbox {
    word: Notify,
    /// Of another emulator. It is apart, so that it is not passed on and on.
    heard: Notify,
    /// Ids of customers and of webhooks, and numbers of projects, of which nothing that is in hand already is to be sent.
    withdrawn: Cache<String, Instant>,
}

impl Default for Outbox {
    fn default() -> Self {
        let withdrawn = Cache::builder().max_capacity(WITHDRAWN).time_to_live(WITHDRAWN_FOR).build();
        Self { word: Notify::new(), heard: Notify::new(), withdrawn }
    }
}

impl Outbox {
    /// Says that there is something to be delivered, or that it should be looked whether there is.
    pub fn wake(&self) {
        self.word.notify_one();
    }

    /// Waits until somebody has said so since this returned last.
    pub async fn woken(&self) {
        self.word.notified().await;
    }

    /// Says that another emulator has something to be delivered.
    pub fn hear(&self) {
        self.heard.notify_one();
    }

    /// Waits until somebody has said so, here or there, since this returned last.
    pub async fn woken_or_heard(&self) {
        tokio::select! { () = self.word.notified() => {}, () = self.heard.notified() => {} }
    }

    /// Says that nothing is to be sent of that customer or webhook which was read from the database before.
    pub fn withdraw(&self, id: &str) {
        self.withdrawn.insert(id.to_owned(), Instant::now());
    }

    /// [`Outbox::withdraw`], of a whole project.
    pub fn withdraw_project(&self, project: ProjectId) {
        self.withdraw(&project.0.to_string());
    }

    /// Whether nothing is to be sent of a delivery any more that was read at `read_at`: of its customer, of a second person in it, of
    /// its webhook, or of its project.
    #[must_use]
    pub fn is_withdrawn_since(&self, delivery: &DueDelivery, read_at: Instant) -> bool {
        let second = delivery.entry.referrer.as_ref().map(|(id, _)| id.as_str());
        let project = delivery.address.project.0.to_string();
        [Some(delivery.customer_id.as_str()), second, Some(&delivery.address.webhook_id), Some(&project)]
            .into_iter()
            .flatten()
            .any(|id| self.is_withdrawn(id, read_at))
    }

    /// Whether that has been said of that customer or webhook since `read_at`.
    fn is_withdrawn(&self, id: &str, read_at: Instant) -> bool {
        self.withdrawn.get(id).is_some_and(|withdrawn| withdrawn >= read_at)
    }
}

/// Whom the webhooks of a project have to tell of those entries.
pub fn deliveries_of(core: &Core, rules: &Rules, entries: &[ActivityEntry], now: DateTime<Utc>) -> Vec<NewDelivery> {
    let mut deliveries = Vec::new();
    if rules.subscriptions.is_empty() {
        return deliveries;
    }
    for entry in entries {
        for subscription in rules.subscriptions.iter().filter(|one| one.wants(entry.kind)) {
            deliveries.push(NewDelivery {
                id: core.ids.timed("whs_", now),
                webhook_id: subscription.webhook_id.clone(),
                customer_id: entry.customer_id.clone(),
                entry_id: entry.id.clone(),
            });
        }
    }
    deliveries
}
