//! Webhooks: subscriptions, deliveries, and the retry schedule.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::activity::{ActivityType, StoredEntry};
use super::json::JsonText;
use super::project::ProjectId;
use super::project_clock::ProjectClock;
use super::trace_context::TraceContext;
use super::webhook_events::{DISTRIBUTION_EVENTS, PROJECT_EVENTS};

/// The kind of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookKind {
    /// A webhook in the settings of a project.
    Project,
    /// A webhook of a distribution. The vendor offers these only in its dashboard.
    Distribution,
}

impl WebhookKind {
    /// Returns the vendor's name of the object.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "webhook",
            Self::Distribution => "distribution",
        }
    }

    /// Returns the kind with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Project, Self::Distribution].into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the prefix of its ids.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Project => "wh_",
            Self::Distribution => "distr_",
        }
    }

    /// Returns whether a webhook of any kind could have this id.
    #[must_use]
    pub fn is_possible_id(id: &str) -> bool {
        [Self::Project, Self::Distribution]
            .into_iter()
            .filter_map(|kind| id.strip_prefix(kind.prefix()))
            .any(|rest| !rest.is_empty())
    }

    /// Returns whether webhooks of any kind can subscribe to this event type.
    #[must_use]
    pub fn is_event_type(event: &str) -> bool {
        [Self::Project, Self::Distribution].into_iter().any(|kind| kind.event_types().contains(&event))
    }

    /// Returns the event types that it can subscribe to. The emulator never produces most of them.
    #[must_use]
    pub fn event_types(self) -> &'static [&'static str] {
        match self {
            Self::Project => &PROJECT_EVENTS,
            Self::Distribution => &DISTRIBUTION_EVENTS,
        }
    }
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// `wh_...` or `distr_...`.
    pub id: String,
    pub kind: WebhookKind,
    /// Only for a distribution: the type shown in its messages. The default is the event type.
    pub name: Option<String>,
    pub target_url: String,
    /// The subscribed event types, as they were sent.
    pub events: Vec<String>,
    /// Whether it sends messages. Set to `false` when the last attempt of a delivery fails.
    pub active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// A change of a webhook; `None` leaves a member unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Only for a distribution; an empty name removes the name.
    pub name: Option<String>,
    pub target_url: Option<String>,
    pub events: Option<Vec<String>>,
    pub active: Option<bool>,
}

impl WebhookChange {
    /// Applies the change.
    pub fn apply(self, webhook: &mut Webhook) {
        let Self { name, target_url, events, active } = self;
        if let Some(name) = name {
            webhook.name = (!name.is_empty()).then_some(name);
        }
        webhook.target_url = target_url.unwrap_or_else(|| std::mem::take(&mut webhook.target_url));
        webhook.events = events.unwrap_or_else(|| std::mem::take(&mut webhook.events));
        webhook.active = active.unwrap_or(webhook.active);
    }
}

/// The event types that an active webhook subscribes to. Part of the project rules used by every write.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub webhook_id: String,
    pub events: Vec<String>,
}

impl Subscription {
    /// Returns whether it includes activity of this type.
    #[must_use]
    pub fn includes(&self, kind: ActivityType) -> bool {
        self.events.iter().any(|event| event == kind.as_str())
    }
}

/// A new delivery of an activity entry to a webhook.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// `whs_...`, the same at every attempt.
    pub id: String,
    pub webhook_id: String,
    pub customer_id: String,
    /// The delivered activity entry.
    pub entry_id: String,
    /// The trace of the request that caused it.
    pub trace: Option<Arc<TraceContext>>,
}

/// Identifies a delivery across all projects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryAddress {
    pub project: ProjectId,
    pub webhook_id: String,
    pub id: String,
}

/// A delivery that is due, with all data needed to send its message.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    pub address: DeliveryAddress,
    pub customer_id: String,
    pub created_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    /// Number of failed attempts since it was last queued.
    pub failures: i32,
    /// Number of times it was queued again.
    pub round: i32,
    pub first_attempt_at: Option<DateTime<Utc>>,
    pub kind: WebhookKind,
    pub name: Option<String>,
    pub target_url: String,
    /// `proj_...`.
    pub project_public_id: String,
    /// The secret that signs the message.
    pub webhook_token: Secret,
    pub entry: StoredEntry,
    /// The clock of the project.
    pub clock: ProjectClock,
    /// The version of the faults of the project; `None` while it has none.
    pub faults_version: Option<i64>,
    /// The trace of the request that caused it.
    pub trace: Option<Arc<TraceContext>>,
}

/// A secret that is not shown in logs.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a secret")
    }
}

/// The final outcome of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Delivered,
    /// All attempts failed.
    Failed,
}

impl DeliveryOutcome {
    /// Returns the name that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
        }
    }
}

/// The result of an attempt.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    pub address: DeliveryAddress,
    /// The round of the delivery at the time of the attempt. If the delivery was queued again in the meantime, only
    /// `attempt` is stored.
    pub round: i32,
    /// The time of the next attempt; `None` if the delivery is finished.
    pub due_at: Option<DateTime<Utc>>,
    pub outcome: Option<DeliveryOutcome>,
    /// Number of failed attempts since it was last queued.
    pub failures: i32,
    /// The start of the first attempt since it was last queued.
    pub first_attempt_at: DateTime<Utc>,
    /// The end of this attempt.
    pub ended_at: DateTime<Utc>,
    /// A JSON object that describes the attempt.
    pub attempt: JsonText,
}

/// A delivery as it is stored.
#[derive(Clone, Debug)]
pub struct StoredDelivery {
    /// `whs_...`.
    pub id: String,
    pub webhook_id: String,
    pub customer_id: String,
    pub entry_id: String,
    pub created_at: DateTime<Utc>,
    pub due_at: Option<DateTime<Utc>>,
    /// `DELIVERED` or `FAILED`; `None` while the delivery is not finished.
    pub outcome: Option<String>,
    pub finished_at: Option<DateTime<Utc>>,
    /// A JSON array of the attempts; `None` if there were none.
    pub attempts: Option<JsonText>,
    /// The type of the delivered event.
    pub event_type: String,
}

/// The schedule of delivery retries: the vendor's schedule, accelerated by a configurable factor.
#[derive(Clone, Copy, Debug)]
pub struct RetrySchedule {
    speed: u32,
}

impl RetrySchedule {
    /// The times of the vendor's 12 retries, in minutes after the first attempt.
    const RETRY_MINUTES: [i64; 12] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440];

    /// Returns the vendor's schedule, `speed` times faster. With 1, it is the vendor's own schedule.
    #[must_use]
    pub fn new(speed: u32) -> Self {
        Self { speed: speed.max(1) }
    }

    /// Returns the time of the next attempt after `failures` failed attempts, or `None` if there are no more retries.
    /// The first attempt started at `first`, and the last one ended at `last`. If the last attempt was late, for
    /// example because sending was paused, the next one follows it after the regular interval.
    #[must_use]
    pub fn next(self, first: DateTime<Utc>, last: DateTime<Utc>, failures: i32) -> Option<DateTime<Utc>> {
        let index = usize::try_from(failures - 1).ok()?;
        let minutes = *Self::RETRY_MINUTES.get(index)?;
        let before = index.checked_sub(1).map_or(0, |before| Self::RETRY_MINUTES[before]);
        let after = |minutes: i64| TimeDelta::microseconds(minutes * 60_000_000 / i64::from(self.speed));
        let planned = first + after(minutes);
        // An attempt is late if it ended after the middle between its planned time and that of the next attempt.
        let is_late = last - first > after(minutes) - after(minutes - before) / 2;
        Some(if is_late { planned.max(last + after(minutes - before)) } else { planned })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_at_the_documented_times() {
        let first = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        let times = |speed| {
            let schedule = RetrySchedule::new(speed);
            let mut last = first;
            (1..=13)
                .map(|failures| {
                    let next = schedule.next(first, last, failures);
                    last = next.unwrap_or(last);
                    next.map(|at| (at - first).num_milliseconds())
                })
                .collect()
        };
        let minutes: Vec<Option<i64>> = times(1);
        let expected = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440].map(|minutes| Some(minutes * 60_000));
        assert_eq!(minutes[..12], expected);
        assert_eq!(minutes[12], None, "the thirteenth failure is the last");
        let fast: Vec<Option<i64>> = times(6_000);
        assert_eq!((fast[0], fast[11]), (Some(10), Some(14_400)));
    }

    #[test]
    fn after_a_pause_retries_keep_their_regular_interval() {
        let first = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        let schedule = RetrySchedule::new(1);
        let (slow, day) = (TimeDelta::seconds(70), TimeDelta::hours(24));
        // An attempt that took ten seconds is not late.
        assert_eq!(schedule.next(first, first + slow, 2), Some(first + TimeDelta::minutes(2)));
        assert_eq!(schedule.next(first, first + day, 2), Some(first + day + TimeDelta::minutes(1)));
        assert_eq!(schedule.next(first, first + day, 12), Some(first + day + TimeDelta::minutes(1440 - 1024)));
        assert_eq!(schedule.next(first, first + day, 13), None);
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret("abc".to_owned())), "a secret");
    }
}
