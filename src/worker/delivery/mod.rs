//! The delivery worker: it delivers the queued messages of webhooks for all emulators on the database, many
//! concurrently and a limited number per webhook.
//!
//! A delivery holds no transaction, no lock and no mark in the database while it is sent, because an endpoint may take
//! ten seconds to answer. The deliveries in flight exist only in the memory of this process, and only one process
//! delivers ([`DeliveryConnection`]). If that process is killed, PostgreSQL releases its lock with the connection.
//! Attempts that were not recorded are sent again: delivery is at least once.

mod attempt;
mod in_flight;
mod postponed;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::task::{RETRY_DELAY, wait_for_stop, with_timeout};
use crate::db::session::Database;
use crate::db::webhook_deliveries::{DeliveryConnection, DueQuery};
use crate::domain::project::ProjectId;
use crate::domain::webhook::{AttemptRecord, DeliveryOutcome, RetrySchedule};
use crate::service::Core;
use crate::service::webhooks;
use crate::webhook::Sender;
use in_flight::{InFlightDeliveries, WebhookKey};

/// Shortest time between two queries of the queue while there is much to deliver.
const MIN_QUERY_INTERVAL: Duration = Duration::from_millis(20);
/// Most due deliveries became due within this time, so most queries read no older ones.
const RECENT_WINDOW: TimeDelta = TimeDelta::seconds(3);
/// How often older deliveries are queried too.
const FULL_QUERY_INTERVAL: Duration = Duration::from_millis(500);
/// How long the worker waits for a notification before it queries the queue.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How often to try to deactivate a webhook, after the last attempt of one of its deliveries failed.
const DEACTIVATION_ATTEMPTS: u32 = 5;

/// Delivers the queued messages of webhooks.
#[derive(Clone)]
pub struct DeliveryWorker {
    pub core: Arc<Core>,
    pub database: Database,
    pub sender: Sender,
    pub schedule: RetrySchedule,
}

impl DeliveryWorker {
    /// Delivers until the signal to stop, and reconnects when the connection is lost.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut state = ConnectionState::default();
        while !*stopped.borrow() {
            let Err(error) = self.deliver(&mut state, &mut stopped).await else { return };
            // Warn once, not at every attempt to reconnect.
            if self.core.database_health.report_error(&error) || state.is_failure_logged {
                tracing::debug!(%error, "still failing to deliver webhooks");
            } else {
                tracing::warn!(%error, "failed to deliver webhooks, retrying until the database answers");
            }
            state.is_failure_logged = true;
            tokio::select! { () = sleep(RETRY_DELAY) => {}, () = wait_for_stop(&mut stopped) => {} }
        }
    }

    async fn deliver(
        &self,
        state: &mut ConnectionState,
        stopped: &mut watch::Receiver<bool>,
    ) -> Result<(), sqlx::Error> {
        let mut connection = with_timeout(DeliveryConnection::connect(&self.database, state.process)).await?;
        *state = ConnectionState { process: Some(connection.process_id()), is_failure_logged: false };
        // Until this connection holds the lock, pass every notification on to the emulator that delivers.
        while !with_timeout(connection.try_lock()).await? {
            tokio::select! {
                () = self.core.delivery_notifier.notified() => with_timeout(connection.notify()).await?,
                () = sleep(POLL_INTERVAL) => continue,
                () = wait_for_stop(stopped) => return Ok(()),
            }
            sleep(MIN_QUERY_INTERVAL).await;
        }
        let mut in_flight = InFlightDeliveries::default();
        let mut progress = QueueProgress::default();
        loop {
            let started_at = Instant::now();
            self.record(&mut connection, &mut in_flight).await?;
            let idle_time = self.start_due(&mut connection, &mut in_flight, &mut progress).await?;
            tokio::select! {
                () = in_flight.next_completed() => {}
                () = self.core.delivery_notifier.notified_by_any() => {}
                () = sleep(idle_time) => {}
                () = wait_for_stop(stopped) => break,
            }
            sleep_until(started_at + MIN_QUERY_INTERVAL).await;
        }
        in_flight.drain().await;
        self.record(&mut connection, &mut in_flight).await
    }

    /// Starts the deliveries that are due, and returns how long the worker may sleep if nothing wakes it.
    async fn start_due(
        &self,
        connection: &mut DeliveryConnection,
        in_flight: &mut InFlightDeliveries,
        progress: &mut QueueProgress,
    ) -> Result<Duration, sqlx::Error> {
        let (now, read_at) = (self.core.clock.now(), Instant::now());
        in_flight.postponed.evict(&self.core.delivery_notifier, read_at);
        let Some(capacity) = in_flight.capacity() else { return Ok(POLL_INTERVAL) };
        let in_flight_ids = in_flight.ids();
        // Most due deliveries are new. Older ones exist after long transactions, retries, overload and the delays of
        // faults; query them periodically, when a delay has ended, and with every query as long as there are any.
        let recent = now - RECENT_WINDOW;
        let is_full = progress.has_old
            || progress
                .last_full_query_at
                .is_none_or(|at| read_at - at >= FULL_QUERY_INTERVAL || in_flight.postponed.has_ended(at, read_at));
        let query = DueQuery {
            now,
            since: if is_full { None } else { Some(recent) },
            in_flight_ids: &in_flight_ids,
            webhook_limits: &in_flight.webhook_limits(&capacity),
            postponed_ids: &in_flight.postponed.waiting_ids(read_at),
            default_webhook_limit: to_i32(capacity.per_idle_webhook),
            total_limit: i64::try_from(capacity.total).unwrap_or(i64::MAX),
            after: progress.last_webhook.as_ref(),
        };
        let due = with_timeout(connection.find_due(&query)).await?;
        if is_full {
            progress.last_full_query_at = Some(read_at);
            progress.has_old = due.iter().any(|delivery| delivery.due_at < delivery.clock.at(recent));
            in_flight.evict_idle_webhooks(read_at);
        }
        if due.is_empty() {
            let next = with_timeout(connection.find_next_due_at(now)).await?;
            let idle_time = next.map_or(POLL_INTERVAL, |next| time_until(now, next));
            let idle_time = in_flight.postponed.time_to_next_end(read_at).map_or(idle_time, |time| time.min(idle_time));
            return Ok(if is_full { idle_time } else { idle_time.min(FULL_QUERY_INTERVAL) });
        }
        progress.last_webhook = due.last().map(|last| (last.address.project, last.address.webhook_id.clone()));
        for delivery in due {
            in_flight.start(delivery, |delivery, slots, postponed_by| {
                let (core, sender) = (Arc::clone(&self.core), self.sender.clone());
                attempt::attempt(core, sender, self.schedule, slots, delivery, read_at, postponed_by)
            });
        }
        // More deliveries may be due than the query could return.
        Ok(Duration::ZERO)
    }

    /// Records the completed attempts. Those whose rows are locked stay in memory and are recorded later.
    async fn record(
        &self,
        connection: &mut DeliveryConnection,
        in_flight: &mut InFlightDeliveries,
    ) -> Result<(), sqlx::Error> {
        in_flight.collect_completed();
        if in_flight.unrecorded().is_empty() {
            return Ok(());
        }
        let unrecorded: HashSet<_> =
            with_timeout(connection.record(in_flight.unrecorded())).await?.into_iter().collect();
        let mut failed_webhooks = HashMap::new();
        for AttemptRecord { address, outcome, ended_at, .. } in in_flight.take_recorded(&unrecorded) {
            if let Some(outcome) = outcome {
                self.core.metrics.work.delivery_finished(outcome == DeliveryOutcome::Delivered);
            }
            if outcome == Some(DeliveryOutcome::Failed) {
                failed_webhooks.insert((address.project, address.webhook_id), ended_at);
            }
        }
        for ((project, webhook_id), failed_at) in failed_webhooks {
            // Deactivate in a separate task, because a transaction may hold the project's lock for a long time.
            tokio::spawn(deactivate(Arc::clone(&self.core), project, webhook_id, failed_at));
        }
        Ok(())
    }
}

/// State that outlives a connection.
#[derive(Default)]
struct ConnectionState {
    /// Process ID of the PostgreSQL backend of the last connection.
    process: Option<i32>,
    /// Whether the current outage has been logged.
    is_failure_logged: bool,
}

/// Position and age information for the next query of the queue.
#[derive(Default)]
struct QueueProgress {
    /// The webhook of the last delivery that was started; the next query begins behind it.
    last_webhook: Option<WebhookKey>,
    /// Time of the last query that read deliveries of any age.
    last_full_query_at: Option<Instant>,
    /// Whether that query returned deliveries older than [`RECENT_WINDOW`].
    has_old: bool,
}

async fn deactivate(core: Arc<Core>, project: ProjectId, webhook_id: String, failed_at: DateTime<Utc>) {
    for attempt in 1..=DEACTIVATION_ATTEMPTS {
        let Err(error) = webhooks::disable(&core, project, &webhook_id, failed_at).await else { return };
        tracing::warn!(%error, webhook_id, "failed to deactivate a webhook whose deliveries fail");
        sleep(RETRY_DELAY * attempt).await;
    }
}

/// The time from `now` to `then`, at most [`POLL_INTERVAL`].
fn time_until(now: DateTime<Utc>, then: DateTime<Utc>) -> Duration {
    (then - now).to_std().unwrap_or_default().min(POLL_INTERVAL)
}

fn to_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
