//! The deliveries that faults delay. While a delivery waits, it holds neither a slot of its webhook nor its message, so that it delays no
//! other delivery. It is read from the database again when its time has come, so that it is not sent if its customer was erased meanwhile.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::fault::DeliveryFault;
use crate::domain::project::ProjectId;
use crate::domain::webhook::DeliveryAddress;
use crate::service::faults::Hit;
use crate::service::webhooks::DeliveryNotifier;

/// How many deliveries are postponed at most. Each of them is excluded from the queries of the queue.
const MAX_POSTPONED: usize = 1_000;
/// How long a fault that was found for a delivery is kept after the delay. A delivery that is not read within this time, for example
/// because its webhook was disabled, is matched again when it is read.
const HIT_TTL: Duration = Duration::from_mins(10);

/// An attempt that waits for the end of its delay.
pub(super) struct Postponement {
    /// The fault that delays it. It was counted and is not counted again.
    pub hit: Hit<DeliveryFault>,
    pub until: Instant,
    /// When the delivery was read from the database.
    pub read_at: Instant,
}

/// The postponed attempts of all deliveries. They exist in memory only: after a restart, or when the connection to the database was lost,
/// the attempt begins again, and the fault counts another match.
#[derive(Default)]
pub(super) struct PostponedDeliveries(HashMap<DeliveryAddress, Postponement>);

impl PostponedDeliveries {
    /// Adds an attempt. Above [`MAX_POSTPONED`] it does not wait.
    pub(super) fn insert(&mut self, delivery: DeliveryAddress, mut postponement: Postponement) {
        if self.0.len() >= MAX_POSTPONED {
            postponement.until = postponement.until.min(Instant::now());
        }
        self.0.insert(delivery, postponement);
    }

    /// Removes and returns the fault that was found for the delivery.
    pub(super) fn take_hit(&mut self, delivery: &DeliveryAddress) -> Option<Hit<DeliveryFault>> {
        self.0.remove(delivery).map(|postponement| postponement.hit)
    }

    /// Returns the ids of the deliveries that still wait at `now`, by their webhook.
    pub(super) fn waiting_ids(&self, now: Instant) -> HashMap<(ProjectId, String), Vec<String>> {
        let mut ids: HashMap<_, Vec<_>> = HashMap::new();
        for (DeliveryAddress { project, webhook_id, id }, _) in self.0.iter().filter(|(_, one)| one.until > now) {
            ids.entry((*project, webhook_id.clone())).or_default().push(id.clone());
        }
        ids
    }

    /// Returns whether the delay of a delivery has ended after `since` and not after `now`.
    pub(super) fn has_ended(&self, since: Instant, now: Instant) -> bool {
        self.0.values().any(|one| since < one.until && one.until <= now)
    }

    /// Returns how long the next delay that has not ended at `now` lasts.
    pub(super) fn time_to_next_end(&self, now: Instant) -> Option<Duration> {
        self.0.values().filter(|one| one.until > now).map(|one| one.until - now).min()
    }

    /// Removes the attempts whose deliveries no longer exist: those of a project that was reset, or were not read after the delay. After
    /// a reset, a project with a seed makes deliveries with the same ids again.
    pub(super) fn evict(&mut self, notifier: &DeliveryNotifier, now: Instant) {
        self.0.retain(|delivery, one| {
            now < one.until + HIT_TTL && !notifier.is_project_cancelled_since(delivery.project, one.read_at)
        });
    }
}
