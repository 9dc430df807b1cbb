//! The courier: it delivers what is in line for webhooks, many at a time and of each webhook only so many, for all emulators on the
//! database.
//!
//! A delivery has no place in the transaction of a worker: somebody else's server may take ten seconds to answer. So nothing is
//! locked or marked while it is being sent. What is in hand is known to this process only, and it is the only one that delivers
//! ([`CourierConnection`]); when it is killed, its lock goes with its connection, and whatever was not written down is sent again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::PgConnectOptions;
use tokio::sync::{Semaphore, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{in_time, word_to_stop};
use crate::db::webhook_deliveries::{CourierConnection, Look};
use crate::domain::project::ProjectId;
use crate::domain::webhook::{AttemptRecord, DeliveryOutcome, DueDelivery, RetrySchedule};
use crate::objects::webhook::message;
use crate::service::Core;
use crate::service::webhooks::{self, Attempt};
use crate::webhook::Sender;

/// Messages that are sent to one webhook at a time.
const AT_A_TIME: usize = 16;
/// Deliveries of one webhook that are in hand, sent or next to be sent.
const IN_HAND_OF_ONE: usize = 128;
/// Of one that has not taken any of those that are in hand, or has failed to take the last: it may be one that hangs.
const IN_HAND_OF_A_STRANGER: usize = 4;
/// How long it is remembered that a webhook takes what it is sent.
const KNOWN_FOR: Duration = Duration::from_secs(30);
/// Deliveries that are in hand, of all webhooks.
const IN_HAND: usize = 512;
/// With one each of webhooks of which nothing is in hand: so that those that hang leave room for the others.
const IN_HAND_AT_THE_MOST: usize = 1024;
/// Bytes of them.
const BYTES_IN_HAND: usize = 16 * 1024 * 1024;
/// How long between one look into the database and the next, while there is much to do.
const TICK: Duration = Duration::from_millis(20);
/// How old what is due is at most, mostly.
const RECENT: TimeDelta = TimeDelta::seconds(3);
/// How often it is looked for what is older.
const LOOK_AT_ALL_EVERY: Duration = Duration::from_millis(500);
/// How long until it is looked for itself whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a delivery stays in hand before it is sent; then it is given back, and read anew later.
const SENT_WITHIN: Duration = Duration::from_secs(2);
/// How long those that are being sent may take at the end.
const END_WITHIN: Duration = Duration::from_secs(2);
/// How long is waited after the database could not be reached.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is tried to switch off a webhook that fails.
const SWITCH_OFF_ATTEMPTS: u32 = 5;

/// What the courier works with.
#[derive(Clone)]
pub struct Courier {
    pub core: Arc<Core>,
    pub database: PgConnectOptions,
    pub sender: Sender,
    pub schedule: RetrySchedule,
}

impl Courier {
    /// Delivers until the word to stop.
    pub async fn work(self, mut stopped: watch::Receiver<bool>) {
        let mut line = Line::default();
        while !*stopped.borrow() {
            let Err(error) = self.deliver(&mut line, &mut stopped).await else { return };
            // Once, not at every attempt of the same trouble.
            if line.is_told {
                tracing::debug!(%error, "webhooks are still not delivered");
            } else {
                tracing::warn!(%error, "webhooks are not delivered at the moment");
            }
            line.is_told = true;
            tokio::select! { () = sleep(PAUSE) => {}, () = word_to_stop(&mut stopped) => {} }
        }
    }

    async fn deliver(&self, line: &mut Line, stopped: &mut watch::Receiver<bool>) -> Result<(), sqlx::Error> {
        let mut connection = in_time(CourierConnection::connect(&self.database, line.process)).await?;
        *line = Line { process: Some(connection.process()), is_told: false };
        while !in_time(connection.delivers()).await? {
            tokio::select! {
                () = self.core.outbox.woken() => in_time(connection.announce()).await?,
                () = sleep(LOOK_EVERY) => continue,
                () = word_to_stop(stopped) => return Ok(()),
            }
            sleep(TICK).await;
        }
        let mut hands = Hands::default();
        loop {
            let looked_at = Instant::now();
            self.record(&mut connection, &mut hands).await?;
            let rest = self.take(&mut connection, &mut hands).await?;
            tokio::select! {
                () = hands.until_something_is_done() => {}
                () = self.core.outbox.woken_or_heard() => {}
                () = sleep(rest) => {}
                () = word_to_stop(stopped) => break,
            }
            sleep_until(looked_at + TICK).await;
        }
        hands.end().await;
        self.record(&mut connection, &mut hands).await
    }

    /// Takes in hand what is due, and returns how long it can be rested when nothing happens.
    async fn take(&self, connection: &mut CourierConnection, hands: &mut Hands) -> Result<Duration, sqlx::Error> {
        let Some(room) = hands.room() else { return Ok(LOOK_EVERY) };
        let (now, read_at) = (self.core.clock.now(), Instant::now());
        let in_hand: Vec<_> = hands.ids.iter().cloned().collect();
        // Mostly what is due is new. What is older, because its transaction was long, or it is tried again, or there was too much at
        // once, is looked for now and then, and for as long as there is any.
        let recent = now - RECENT;
        let looks_at_all = hands.has_old || hands.looked_at_all.is_none_or(|at| read_at - at >= LOOK_AT_ALL_EVERY);
        let since = if looks_at_all { None } else { Some(recent) };
        let look = Look {
            now,
            since,
            in_hand: &in_hand,
            webhooks: &hands.rooms(&room),
            room: to_i32(room.of_others),
            most: i64::try_from(room.of_all).unwrap_or(i64::MAX),
            after: hands.last.as_ref(),
        };
        let due = in_time(connection.due(&look)).await?;
        if looks_at_all {
            hands.looked_at_all = Some(read_at);
            hands.webhooks.retain(|_, of| of.count > 0 || read_at - of.used_at < KNOWN_FOR);
            hands.has_old = due.iter().any(|delivery| delivery.due_at < recent);
        }
        if due.is_empty() {
            let next = in_time(connection.next_due(now)).await?;
            let rest = next.map_or(LOOK_EVERY, |next| until(now, next));
            return Ok(if looks_at_all { rest } else { rest.min(LOOK_AT_ALL_EVERY) });
        }
        hands.last = due.last().map(|last| (last.address.project, last.address.webhook_id.clone()));
        for delivery in due {
            hands.hold(self, delivery, read_at);
        }
        // There may be more than was asked for.
        Ok(Duration::ZERO)
    }

    /// Writes down what came of those that are done. What cannot be written now stays in hand.
    async fn record(&self, connection: &mut CourierConnection, hands: &mut Hands) -> Result<(), sqlx::Error> {
        hands.let_go_of_the_done();
        if hands.records.is_empty() {
            return Ok(());
        }
        let left: HashSet<_> = in_time(connection.record(&hands.records)).await?.into_iter().collect();
        let (left, written): (Vec<_>, Vec<_>) =
            std::mem::take(&mut hands.records).into_iter().partition(|record| left.contains(&record.address));
        hands.records = left;
        let mut given_up = HashMap::new();
        for AttemptRecord { address, outcome, ended_at, .. } in written {
            hands.ids.remove(&address.id);
            if outcome == Some(DeliveryOutcome::Failed) {
                given_up.insert((address.project, address.webhook_id), ended_at);
            }
        }
        for ((project, webhook_id), failed_at) in given_up {
            // Not here: whoever is alone in the project may be long at it.
            tokio::spawn(switch_off(Arc::clone(&self.core), project, webhook_id, failed_at));
        }
        Ok(())
    }
}

async fn switch_off(core: Arc<Core>, project: ProjectId, webhook_id: String, failed_at: DateTime<Utc>) {
    for attempt in 1..=SWITCH_OFF_ATTEMPTS {
        let Err(error) = webhooks::switch_off(&core, project, &webhook_id, failed_at).await else { return };
        tracing::warn!(%error, webhook_id, "a webhook that fails stays switched on");
        sleep(PAUSE * attempt).await;
    }
}

/// What is known of the connection.
#[derive(Default)]
struct Line {
    /// The process of PostgreSQL that was behind the last one.
    process: Option<i32>,
    /// Whether the log has the trouble that there is.
    is_told: bool,
}

/// What is in hand.
#[derive(Default)]
struct Hands {
    tasks: JoinSet<Option<AttemptRecord>>,
    held: HashMap<Id, Held>,
    /// Those that are in hand, and those that are not written down yet.
    ids: HashSet<String>,
    /// Those of which something is in hand, and those that took what was a short time ago.
    webhooks: HashMap<(ProjectId, String), OfWebhook>,
    /// Those that are done and not written down.
    records: Vec<AttemptRecord>,
    bytes: usize,
    /// The webhook that was served last.
    last: Option<(ProjectId, String)>,
    /// When it was looked for everything that is due.
    looked_at_all: Option<Instant>,
    /// Whether there was something then that had been due for long.
    has_old: bool,
}

struct Held {
    id: String,
    webhook: (ProjectId, String),
    bytes: usize,
}

struct OfWebhook {
    count: usize,
    slots: Arc<Semaphore>,
    /// Whether it took the last one.
    takes: bool,
    used_at: Instant,
}

impl Default for OfWebhook {
    fn default() -> Self {
        Self { count: 0, slots: Arc::new(Semaphore::new(AT_A_TIME)), takes: false, used_at: Instant::now() }
    }
}

/// How many more can be held.
struct Room {
    of_all: usize,
    /// Of each webhook of which nothing is in hand.
    of_others: usize,
    /// Whether those of which something is in hand may have more.
    is_for_all: bool,
}

impl Hands {
    /// How many more can be held, if any.
    fn room(&self) -> Option<Room> {
        let held = self.ids.len();
        if self.bytes >= BYTES_IN_HAND || held >= IN_HAND_AT_THE_MOST {
            None
        } else if held < IN_HAND {
            Some(Room { of_all: IN_HAND - held, of_others: IN_HAND_OF_A_STRANGER, is_for_all: true })
        } else {
            Some(Room { of_all: IN_HAND_AT_THE_MOST - held, of_others: 1, is_for_all: false })
        }
    }

    /// How many more can be held of each webhook of which there are some.
    fn rooms(&self, room: &Room) -> HashMap<(ProjectId, String), i32> {
        let room_of = |of: &OfWebhook| {
            let most = if of.takes { IN_HAND_OF_ONE } else { IN_HAND_OF_A_STRANGER };
            if room.is_for_all { most.saturating_sub(of.count) } else { 0 }
        };
        self.webhooks.iter().map(|(key, of)| (key.clone(), to_i32(room_of(of)))).collect()
    }

    /// Holds a delivery that was read at `read_at`, and sends it as soon as it is its turn.
    fn hold(&mut self, courier: &Courier, delivery: DueDelivery, read_at: Instant) {
        let webhook = (delivery.address.project, delivery.address.webhook_id.clone());
        let (id, bytes) = (delivery.address.id.clone(), delivery.entry.data.as_str().len());
        let of = self.webhooks.entry(webhook.clone()).or_default();
        of.count += 1;
        let work = attempt(
            Arc::clone(&courier.core),
            courier.sender.clone(),
            courier.schedule,
            Arc::clone(&of.slots),
            delivery,
            read_at,
        );
        self.bytes += bytes;
        self.ids.insert(id.clone());
        let task = self.tasks.spawn(work);
        self.held.insert(task.id(), Held { id, webhook, bytes });
    }

    /// Waits for the first that is done; for ever where there is none.
    async fn until_something_is_done(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(done) => self.let_go(done),
            None => std::future::pending().await,
        }
    }

    fn let_go_of_the_done(&mut self) {
        while let Some(done) = self.tasks.try_join_next_with_id() {
            self.let_go(done);
        }
    }

    fn let_go(&mut self, done: Result<(Id, Option<AttemptRecord>), tokio::task::JoinError>) {
        let (task, record) = match done {
            Ok((task, record)) => (task, record),
            Err(error) => {
                if error.is_panic() {
                    tracing::error!(%error, "a delivery ended");
                }
                (error.id(), None)
            }
        };
        let Some(Held { id, webhook, bytes }) = self.held.remove(&task) else { return };
        self.bytes -= bytes;
        if let Some(of) = self.webhooks.get_mut(&webhook) {
            of.count -= 1;
            of.takes = record.as_ref().map_or(of.takes, |record| record.outcome == Some(DeliveryOutcome::Delivered));
            of.used_at = Instant::now();
            if of.count == 0 && !of.takes {
                self.webhooks.remove(&webhook);
            }
        }
        match record {
            Some(record) => self.records.push(record),
            // Given back.
            None => drop(self.ids.remove(&id)),
        }
    }

    /// Lets those that are being sent end, if they do so soon; the others are sent again by whoever comes next.
    async fn end(&mut self) {
        for of in self.webhooks.values() {
            of.slots.close();
        }
        let all = async {
            while !self.tasks.is_empty() {
                self.until_something_is_done().await;
            }
        };
        let _ = timeout(END_WITHIN, all).await;
    }
}

/// Sends a delivery when it is its turn; `None` where it was not sent, and is to be read anew.
async fn attempt(
    core: Arc<Core>,
    sender: Sender,
    schedule: RetrySchedule,
    slots: Arc<Semaphore>,
    delivery: DueDelivery,
    read_at: Instant,
) -> Option<AttemptRecord> {
    let _slot = timeout(SENT_WITHIN, slots.acquire_owned()).await.ok()?.ok()?;
    if core.outbox.is_withdrawn_since(&delivery, read_at) {
        return None;
    }
    let (started, started_at) = (Instant::now(), core.clock.now());
    let sent = sender.send(&delivery.target_url, &delivery.webhook_token, message(&delivery)).await;
    let attempt = Attempt {
        started_at,
        ended_at: core.clock.now(),
        milliseconds: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
        status: sent.status,
        error: sent.error,
    };
    Some(attempt.record(&delivery, schedule))
}

/// How long it is from one time to the other, and not longer than until the next look.
fn until(now: DateTime<Utc>, then: DateTime<Utc>) -> Duration {
    (then - now).to_std().unwrap_or_default().min(LOOK_EVERY)
}

fn to_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
