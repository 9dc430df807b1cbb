//! The signals between the services and the delivery worker of this process.

use std::time::Duration;

use moka::sync::Cache;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::domain::project::ProjectId;
use crate::domain::webhook::DueDelivery;

/// How long a cancellation is kept: longer than the delivery worker keeps a delivery in memory.
const CANCELLATION_TTL: Duration = Duration::from_mins(1);
/// How many cancellations are kept at most.
const MAX_CANCELLATIONS: u64 = 100_000;

/// Wakes the delivery worker of this process and cancels deliveries that it has already read.
#[derive(Debug)]
pub struct DeliveryNotifier {
    local: Notify,
    /// Notifications from other emulators. They are separate, so that they are not announced to other emulators again.
    remote: Notify,
    /// Since when the deliveries of a customer, webhook or project are cancelled. The keys are customer ids, webhook
    /// ids and project numbers.
    cancelled: Cache<String, Instant>,
}

impl Default for DeliveryNotifier {
    fn default() -> Self {
        let cancelled = Cache::builder().max_capacity(MAX_CANCELLATIONS).time_to_live(CANCELLATION_TTL).build();
        Self { local: Notify::new(), remote: Notify::new(), cancelled }
    }
}

impl DeliveryNotifier {
    /// Notifies the delivery worker that deliveries may be due.
    pub fn notify(&self) {
        self.local.notify_one();
    }

    /// Waits for a [`DeliveryNotifier::notify`] since this method last returned.
    pub async fn notified(&self) {
        self.local.notified().await;
    }

    /// Notifies the delivery worker that another emulator has written deliveries.
    pub fn notify_remote(&self) {
        self.remote.notify_one();
    }

    /// Waits for a notification from this or from another emulator since this method last returned.
    pub async fn notified_by_any(&self) {
        tokio::select! { () = self.local.notified() => {}, () = self.remote.notified() => {} }
    }

    /// Cancels the deliveries of a customer or of a webhook that were read from the database before now.
    pub fn cancel(&self, id: &str) {
        self.cancelled.insert(id.to_owned(), Instant::now());
    }

    /// Cancels the deliveries of a project that were read from the database before now.
    pub fn cancel_project(&self, project: ProjectId) {
        self.cancel(&project.0.to_string());
    }

    /// Whether the deliveries of a project that were read at `read_at` have been cancelled since.
    #[must_use]
    pub fn is_project_cancelled_since(&self, project: ProjectId, read_at: Instant) -> bool {
        self.cancelled.get(&project.0.to_string()).is_some_and(|cancelled_at| cancelled_at >= read_at)
    }

    /// Whether a delivery that was read at `read_at` has been cancelled since: for its customer, its referrer, its
    /// webhook or its project.
    #[must_use]
    pub fn is_cancelled_since(&self, delivery: &DueDelivery, read_at: Instant) -> bool {
        let referrer = delivery.entry.referrer.as_ref().map(|(id, _)| id.as_str());
        let project = delivery.address.project.0.to_string();
        [Some(delivery.customer_id.as_str()), referrer, Some(&delivery.address.webhook_id), Some(&project)]
            .into_iter()
            .flatten()
            .any(|id| self.cancelled.get(id).is_some_and(|cancelled_at| cancelled_at >= read_at))
    }
}
