//! Webhooks: who is told of what, when it is tried again, and what became of it.

use chrono::{DateTime, TimeDelta, Utc};

use super::activity::{ActivityType, StoredEntry};
use super::json::JsonText;
use super::project::ProjectId;

/// The two things that send messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookKind {
    /// A webhook in the settings of a project.
    Project,
    /// A webhook of a distribution, which the vendor has in its dashboard only.
    Distribution,
}

impl WebhookKind {
    /// The vendor's name of the object.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Project => "webhook",
            Self::Distribution => "distribution",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Project, Self::Distribution].into_iter().find(|kind| kind.as_str() == name)
    }

    /// What its ids begin with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Project => "wh_",
            Self::Distribution => "distr_",
        }
    }

    /// The types of events that it can be asked to tell of. Most never happen here.
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
    /// Of a distribution: what its messages show as their type; without one it is the type of the event.
    pub name: Option<String>,
    pub target_url: String,
    /// As they were given.
    pub events: Vec<String>,
    /// Whether it sends anything; switched off after the last attempt of a delivery has failed.
    pub active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: Option<DateTime<Utc>>,
}

/// What a request says about a webhook; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookChange {
    /// Of a distribution; an empty one takes it away.
    pub name: Option<String>,
    pub target_url: Option<String>,
    pub events: Option<Vec<String>>,
    pub active: Option<bool>,
}

impl WebhookChange {
    /// Makes the change.
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

/// An active webhook, as whoever writes has to know it.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub webhook_id: String,
    pub events: Vec<String>,
}

impl Subscription {
    /// Whether it wants to be told.
    #[must_use]
    pub fn wants(&self, kind: ActivityType) -> bool {
        self.events.iter().any(|event| event == kind.as_str())
    }
}

/// Something that is to be sent to somebody.
#[derive(Clone, Debug)]
pub struct NewDelivery {
    /// `whs_...`, the same at every attempt.
    pub id: String,
    pub webhook_id: String,
    pub customer_id: String,
    /// The activity entry that it tells of.
    pub entry_id: String,
}

/// The name of a delivery among all projects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryAddress {
    pub project: ProjectId,
    pub webhook_id: String,
    pub id: String,
}

/// A delivery whose time has come, with everything that its message is made of.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    pub address: DeliveryAddress,
    pub customer_id: String,
    pub created_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    /// Attempts that failed since it was last put in line.
    pub failures: i32,
    /// How often it was put in line again.
    pub round: i32,
    pub first_attempt_at: Option<DateTime<Utc>>,
    pub kind: WebhookKind,
    pub name: Option<String>,
    pub target_url: String,
    /// `proj_...`.
    pub project_public_id: String,
    /// Signs the message.
    pub webhook_token: Secret,
    pub entry: StoredEntry,
}

/// A secret, which no log shows.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a secret")
    }
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    Delivered,
    /// The last attempt failed too.
    Failed,
}

impl DeliveryOutcome {
    /// The name that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
        }
    }
}

/// What is known after an attempt.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    pub address: DeliveryAddress,
    /// Of the delivery that was attempted; where it was put in line again meanwhile, only the attempt is kept.
    pub round: i32,
    /// When it is tried again; `None` where it is finished.
    pub due_at: Option<DateTime<Utc>>,
    pub outcome: Option<DeliveryOutcome>,
    /// Since it was last put in line.
    pub failures: i32,
    /// Of the attempts since it was last put in line.
    pub first_attempt_at: DateTime<Utc>,
    /// When the attempt ended.
    pub ended_at: DateTime<Utc>,
    /// One JSON object that tells of the attempt.
    pub attempt: JsonText,
}

/// A delivery as it was stored.
#[derive(Clone, Debug)]
pub struct StoredDelivery {
    /// `whs_...`.
    pub id: String,
    pub webhook_id: String,
    pub customer_id: String,
    pub entry_id: String,
    pub created_at: DateTime<Utc>,
    pub due_at: Option<DateTime<Utc>>,
    /// `DELIVERED`, `FAILED`, or nothing yet.
    pub outcome: Option<String>,
    pub finished_at: Option<DateTime<Utc>>,
    /// A JSON array of the attempts; `None` where there were none.
    pub attempts: Option<JsonText>,
    /// The type of the event.
    pub event_type: String,
}

/// When failed deliveries are tried again: the vendor's times, so many times faster.
#[derive(Clone, Copy, Debug)]
pub struct RetrySchedule {
    speed: u32,
}

impl RetrySchedule {
    /// Minutes after the first attempt: of each of the vendor's 12 retries.
    const MINUTES: [i64; 12] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440];

    /// The vendor's schedule, `speed` times faster; 1 is the vendor's own.
    #[must_use]
    pub fn new(speed: u32) -> Self {
        Self { speed: speed.max(1) }
    }

    /// When to try again after so many attempts have failed, of which the first was at `first` and the last ended at `last`; `None`
    /// when it is over. An attempt that was late, because nothing was sent for a while, has the next one as far behind it as ever.
    #[must_use]
    pub fn next(self, first: DateTime<Utc>, last: DateTime<Utc>, failures: i32) -> Option<DateTime<Utc>> {
        let index = usize::try_from(failures - 1).ok()?;
        let minutes = *Self::MINUTES.get(index)?;
        let before = index.checked_sub(1).map_or(0, |before| Self::MINUTES[before]);
        let after = |minutes: i64| TimeDelta::microseconds(minutes * 60_000_000 / i64::from(self.speed));
        let planned = first + after(minutes);
        // Past the middle between its own time and that of the next one.
        let is_late = last - first > after(minutes) - after(minutes - before) / 2;
        Some(if is_late { planned.max(last + after(minutes - before)) } else { planned })
    }
}

/// What a project webhook can be asked for: the documented types, in the documented order, and after them the four that the
/// specification misspells.
const PROJECT_EVENTS: [&str; 65] = [
    "business_validation_rule.assignment.created",
    "business_validation_rule.assignment.deleted",
    "business_validation_rule.created",
    "business_validation_rule.deleted",
    "business_validation_rule.updated",
    "campaign.created",
    "campaign.deleted",
    "campaign.disabled",
    "campaign.enabled",
    "campaign.earning_rule.assigned",
    "campaign.earning_rule.deleted",
    "campaign.earning_rule.disabled",
    "campaign.earning_rule.enabled",
    "campaign.earning_rule.updated",
    "campaign.loyalty_tier.created",
    "campaign.loyalty_tier.deleted",
    "campaign.loyalty_tier.updated",
    "campaign.promotion_stack.created",
    "campaign.promotion_stack.updated",
    "campaign.promotion_tier.created",
    "campaign.promotion_tier.deleted",
    "campaign.promotion_tier.disabled",
    "campaign.promotion_tier.enabled",
    "campaign.promotion_tier.updated",
    "campaign.referral_tier.created",
    "campaign.referral_tier.deleted",
    "campaign.referral_tier.updated",
    "campaign.reward.assignment.created",
    "campaign.reward.assignment.deleted",
    "campaign.reward.assignment.updated",
    "campaign.updated",
    "campaign.vouchers.added",
    "campaign.vouchers.generation.completed",
    "campaign.vouchers.generation.failed",
    "campaign.vouchers.generation.started",
    "customer.confirmed",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.rewarded",
    "customer.rewarded.loyalty_points",
    "publication.succeeded",
    "redemption.failed",
    "redemption.rollback.failed",
    "redemption.rollback.succeeded",
    "redemption.succeeded",
    "voucher.created",
    "voucher.deleted",
    "voucher.disabled",
    "voucher.enabled",
    "voucher.gift.balance_added",
    "voucher.gift.transaction.created",
    "voucher.loyalty_card.pending_points.activated",
    "voucher.loyalty_card.pending_points.added",
    "voucher.loyalty_card.pending_points.canceled",
    "voucher.loyalty_card.pending_points.updated",
    "voucher.loyalty_card.points_added",
    "voucher.loyalty_card.points_expired",
    "voucher.loyalty_card.transaction.created",
    "voucher.published",
    "voucher.updated",
    "campaign.vouchers.aded",
    "voucher.gift.balance_aded",
    "voucher.loyalty_card.pending_points.aded",
    "voucher.loyalty_card.points_aded",
];

/// What a distribution can be asked for: the documented types, and those of consents, which were documented until 2024.
const DISTRIBUTION_EVENTS: [&str; 28] = [
    "customer.consents.given",
    "customer.consents.revoked",
    "customer.custom_event",
    "customer.loyalty.tier.downgraded",
    "customer.loyalty.tier.joined",
    "customer.loyalty.tier.left",
    "customer.loyalty.tier.prolonged",
    "customer.loyalty.tier.upgraded",
    "customer.order.canceled",
    "customer.order.created",
    "customer.order.paid",
    "customer.order.updated",
    "customer.publication.succeeded",
    "customer.redemption.rollback.succeeded",
    "customer.redemption.succeeded",
    "customer.referred",
    "customer.reward_redemptions.completed",
    "customer.rewarded",
    "customer.rewarded.loyalty_points",
    "customer.segment.entered",
    "customer.segment.left",
    "customer.voucher.gift.balance_added",
    "customer.voucher.loyalty_card.pending_points.activated",
    "customer.voucher.loyalty_card.pending_points.added",
    "customer.voucher.loyalty_card.pending_points.canceled",
    "customer.voucher.loyalty_card.pending_points.updated",
    "customer.voucher.loyalty_card.points_added",
    "customer.voucher.loyalty_card.points_expired",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_retries_are_at_the_documented_times() {
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
    fn after_a_pause_the_retries_keep_their_distance() {
        let first = DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        let schedule = RetrySchedule::new(1);
        let (slow, day) = (TimeDelta::seconds(70), TimeDelta::hours(24));
        // One that took ten seconds is in time.
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
