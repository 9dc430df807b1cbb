//! The deliveries in flight: read from the queue and not recorded yet. Limits how many are started, per webhook and in
//! total.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout};

use super::attempt::AttemptOutcome;
use super::postponed::PostponedDeliveries;
use crate::domain::fault::DeliveryFault;
use crate::domain::project::ProjectId;
use crate::domain::webhook::{AttemptRecord, DeliveryAddress, DeliveryOutcome, DueDelivery};
use crate::service::faults::Hit;

/// Messages that are sent to one webhook concurrently.
const MAX_CONCURRENT_PER_WEBHOOK: usize = 16;
/// Deliveries of one proven webhook in flight: being sent or waiting for a slot.
const MAX_IN_FLIGHT_PER_WEBHOOK: usize = 128;
/// Deliveries in flight of a webhook that is not proven: its last attempt failed, or no attempt has completed yet. Its
/// endpoint may not answer at all.
const MAX_IN_FLIGHT_UNPROVEN: usize = 4;
/// How long a webhook without deliveries in flight stays proven.
const PROVEN_TTL: Duration = Duration::from_secs(30);
/// Deliveries in flight of all webhooks.
const MAX_IN_FLIGHT: usize = 512;
/// Deliveries in flight including the reserve: above [`MAX_IN_FLIGHT`], every webhook that has nothing in flight may
/// start one, so that endpoints that do not answer cannot block the others.
const MAX_IN_FLIGHT_WITH_RESERVE: usize = 1024;
/// Bytes of payload in flight, of all webhooks.
const MAX_IN_FLIGHT_BYTES: usize = 16 * 1024 * 1024;
/// How long messages that are being sent may take when the worker stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Identifies a webhook among all projects.
pub(super) type WebhookKey = (ProjectId, String);

/// The deliveries in flight.
#[derive(Default)]
pub(super) struct InFlightDeliveries {
    tasks: JoinSet<AttemptOutcome>,
    deliveries: HashMap<Id, InFlightDelivery>,
    /// Ids of the deliveries in flight, and of those whose attempt is not recorded yet.
    ids: HashSet<String>,
    /// Webhooks that have deliveries in flight or are proven.
    webhooks: HashMap<WebhookKey, WebhookState>,
    /// Completed attempts that are not recorded yet.
    unrecorded: Vec<AttemptRecord>,
    bytes: usize,
    /// Deliveries that faults delay. They do not count as in flight.
    pub(super) postponed: PostponedDeliveries,
}

struct InFlightDelivery {
    address: DeliveryAddress,
    bytes: usize,
}

struct WebhookState {
    in_flight: usize,
    slots: Arc<Semaphore>,
    /// Whether its last attempt was delivered.
    is_proven: bool,
    used_at: Instant,
}

impl Default for WebhookState {
    fn default() -> Self {
        let slots = Arc::new(Semaphore::new(MAX_CONCURRENT_PER_WEBHOOK));
        Self { in_flight: 0, slots, is_proven: false, used_at: Instant::now() }
    }
}

/// How many more deliveries may be started.
pub(super) struct Capacity {
    pub total: usize,
    /// For each webhook that has nothing in flight.
    pub per_idle_webhook: usize,
    /// Whether webhooks that have deliveries in flight may start more.
    allows_busy_webhooks: bool,
}

impl InFlightDeliveries {
    /// Returns how many more deliveries may be started; `None` where no more are allowed.
    pub(super) fn capacity(&self) -> Option<Capacity> {
        let count = self.ids.len();
        if self.bytes >= MAX_IN_FLIGHT_BYTES || count >= MAX_IN_FLIGHT_WITH_RESERVE {
            None
        } else if count < MAX_IN_FLIGHT {
            let total = MAX_IN_FLIGHT - count;
            Some(Capacity { total, per_idle_webhook: MAX_IN_FLIGHT_UNPROVEN, allows_busy_webhooks: true })
        } else {
            let total = MAX_IN_FLIGHT_WITH_RESERVE - count;
            Some(Capacity { total, per_idle_webhook: 1, allows_busy_webhooks: false })
        }
    }

    /// Returns how many more deliveries each webhook with state in memory may start.
    pub(super) fn webhook_limits(&self, capacity: &Capacity) -> HashMap<WebhookKey, i32> {
        let limit_of = |webhook: &WebhookState| {
            let max = if webhook.is_proven { MAX_IN_FLIGHT_PER_WEBHOOK } else { MAX_IN_FLIGHT_UNPROVEN };
            if capacity.allows_busy_webhooks { max.saturating_sub(webhook.in_flight) } else { 0 }
        };
        self.webhooks
            .iter()
            .map(|(key, webhook)| (key.clone(), i32::try_from(limit_of(webhook)).unwrap_or(i32::MAX)))
            .collect()
    }

    /// Returns the ids of the deliveries that a query must leave out.
    pub(super) fn ids(&self) -> Vec<String> {
        self.ids.iter().cloned().collect()
    }

    /// Starts the attempt of a delivery. `attempt` gets the delivery, the slots of its webhook, and the fault that has delayed it.
    pub(super) fn start<F>(
        &mut self,
        delivery: DueDelivery,
        attempt: impl FnOnce(DueDelivery, Arc<Semaphore>, Option<Hit<DeliveryFault>>) -> F,
    ) where
        F: Future<Output = AttemptOutcome> + Send + 'static,
    {
        let (address, bytes) = (delivery.address.clone(), delivery.entry.data.as_str().len());
        let webhook = self.webhooks.entry((address.project, address.webhook_id.clone())).or_default();
        webhook.in_flight += 1;
        let postponed_by = self.postponed.take_hit(&address);
        let task = self.tasks.spawn(attempt(delivery, Arc::clone(&webhook.slots), postponed_by));
        self.bytes += bytes;
        self.ids.insert(address.id.clone());
        self.deliveries.insert(task.id(), InFlightDelivery { address, bytes });
    }

    /// Waits until an attempt completes; forever where there is none.
    pub(super) async fn next_completed(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(completed) => self.complete(completed),
            None => std::future::pending().await,
        }
    }

    /// Collects the attempts that have completed, without waiting.
    pub(super) fn collect_completed(&mut self) {
        while let Some(completed) = self.tasks.try_join_next_with_id() {
            self.complete(completed);
        }
    }

    /// The completed attempts that are not recorded yet.
    pub(super) fn unrecorded(&self) -> &[AttemptRecord] {
        &self.unrecorded
    }

    /// Removes and returns the attempts that have been recorded: all but those of the deliveries in `unrecorded`.
    pub(super) fn take_recorded(&mut self, unrecorded: &HashSet<DeliveryAddress>) -> Vec<AttemptRecord> {
        let (left, recorded): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.unrecorded).into_iter().partition(|record| unrecorded.contains(&record.address));
        self.unrecorded = left;
        for record in &recorded {
            self.ids.remove(&record.address.id);
        }
        recorded
    }

    /// Evicts the state of webhooks that have had nothing in flight for [`PROVEN_TTL`].
    pub(super) fn evict_idle_webhooks(&mut self, now: Instant) {
        self.webhooks.retain(|_, webhook| webhook.in_flight > 0 || now - webhook.used_at < PROVEN_TTL);
    }

    /// Waits for the messages that are being sent, at most [`DRAIN_TIMEOUT`]. Those that do not complete are sent again
    /// after a restart.
    pub(super) async fn drain(&mut self) {
        for webhook in self.webhooks.values() {
            webhook.slots.close();
        }
        let all_completed = async {
            while !self.tasks.is_empty() {
                self.next_completed().await;
            }
        };
        let _ = timeout(DRAIN_TIMEOUT, all_completed).await;
    }

    fn complete(&mut self, completed: Result<(Id, AttemptOutcome), JoinError>) {
        let (task, outcome) = match completed {
            Ok((task, outcome)) => (task, outcome),
            Err(error) => {
                if error.is_panic() {
                    tracing::error!(%error, "an attempt to deliver a webhook panicked");
                }
                (error.id(), AttemptOutcome::NotSent)
            }
        };
        let Some(InFlightDelivery { address, bytes }) = self.deliveries.remove(&task) else { return };
        let key = (address.project, address.webhook_id.clone());
        self.bytes -= bytes;
        if let Some(webhook) = self.webhooks.get_mut(&key) {
            webhook.in_flight -= 1;
            if let AttemptOutcome::Completed(record) = &outcome {
                webhook.is_proven = record.outcome == Some(DeliveryOutcome::Delivered);
            }
            webhook.used_at = Instant::now();
            if webhook.in_flight == 0 && !webhook.is_proven {
                self.webhooks.remove(&key);
            }
        }
        match outcome {
            AttemptOutcome::Completed(record) => self.unrecorded.push(record),
            // The next query may read the delivery again.
            AttemptOutcome::NotSent => drop(self.ids.remove(&address.id)),
            AttemptOutcome::Postponed(postponement) => {
                self.ids.remove(&address.id);
                self.postponed.insert(address, postponement);
            }
        }
    }
}
