//! The entries of a customer's activity.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::credential::Channel;
use super::json::JsonText;
use super::page::Direction;

/// What an entry tells of. The vendor has more types, [`LISTED_TYPES`]; these are the ones that happen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityType {
    CustomerCreated,
    CustomerUpdated,
    CustomerDeleted,
    CustomEvent,
    ConsentsGiven,
    ConsentsRevoked,
    SegmentEntered,
    SegmentLeft,
    OrderCreated,
    OrderUpdated,
    OrderPaid,
    OrderCanceled,
    OrderFulfilled,
}

impl ActivityType {
    /// The vendor's name of the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CustomerCreated => "customer.created",
            Self::CustomerUpdated => "customer.updated",
            Self::CustomerDeleted => "customer.deleted",
            Self::CustomEvent => "customer.custom_event",
            Self::ConsentsGiven => "customer.consents.given",
            Self::ConsentsRevoked => "customer.consents.revoked",
            Self::SegmentEntered => "customer.segment.entered",
            Self::SegmentLeft => "customer.segment.left",
            Self::OrderCreated => "customer.order.created",
            Self::OrderUpdated => "customer.order.updated",
            Self::OrderPaid => "customer.order.paid",
            Self::OrderCanceled => "customer.order.canceled",
            Self::OrderFulfilled => "customer.order.fulfilled",
        }
    }
}

/// One entry, ready to be stored beside the change that caused it.
#[derive(Clone, Debug)]
pub struct ActivityEntry {
    /// Whose activity it is in.
    pub customer_id: String,
    /// `evcus_...`, time-ordered.
    pub id: String,
    pub kind: ActivityType,
    /// The id of the request that caused it; the entries of one request share it.
    pub group_id: String,
    /// The key of that request.
    pub app_id: Arc<str>,
    pub channel: Channel,
    /// The payload, without what describes a second person.
    pub data: JsonText,
    /// A second person that the payload names (an order's referrer): the id and how the payload shows them.
    pub referrer: Option<(String, JsonText)>,
    pub created_at: DateTime<Utc>,
}

/// One entry as it was stored: what [`ActivityEntry`] became.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    pub id: String,
    /// The name of the type, as it was stored.
    pub kind: String,
    pub group_id: String,
    /// The payload, without what describes a second person.
    pub data: JsonText,
    /// The second person, until they are forgotten.
    pub referrer: Option<(String, JsonText)>,
    pub created_at: DateTime<Utc>,
    /// The key of the request; entries from before it was kept have none.
    pub app_id: Option<String>,
    pub channel: Channel,
}

/// What the types are told apart by. The vendor publishes the two names only; the division is this project's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityCategory {
    /// What the customer or a client did: every type that is not an effect.
    Action,
    /// What followed from it: `customer.segment.*`.
    Effect,
}

impl ActivityCategory {
    /// The names, in the vendor's order.
    pub const NAMES: [&str; 2] = ["ACTION", "EFFECT"];

    /// Reads a name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ACTION" => Some(Self::Action),
            "EFFECT" => Some(Self::Effect),
            _ => None,
        }
    }
}

/// What a list of entries can be sorted by; the id is the second key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKey {
    /// The id, which is the time of creation. An entry is never updated.
    Id,
    Type,
    Category,
}

/// An order of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivitySort {
    pub key: ActivityKey,
    pub direction: Direction,
}

impl ActivitySort {
    /// The default: newest first.
    pub const NEWEST_FIRST: Self = Self { key: ActivityKey::Id, direction: Direction::Descending };

    /// Reads the `order` parameter: a key, with a dash before it for descending. No entry has a code or a campaign, so
    /// that those two leave the id to decide.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (direction, name) =
            text.strip_prefix('-').map_or((Direction::Ascending, text), |name| (Direction::Descending, name));
        let key = match name {
            "created_at" | "updated_at" | "code" | "campaign" => ActivityKey::Id,
            "type" => ActivityKey::Type,
            "category" => ActivityKey::Category,
            _ => return None,
        };
        Some(Self { key, direction })
    }
}

/// Which entries a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActivityFilter {
    /// Only from this moment on, at the precision of answers.
    pub start: Option<DateTime<Utc>>,
    /// Only until this moment, which is still in, at the precision of answers.
    pub end: Option<DateTime<Utc>>,
    /// Only of this type.
    pub kind: Option<&'static str>,
    pub category: Option<ActivityCategory>,
    /// Only what concerns a certain campaign or product: nothing here does.
    pub concerns_other_things: bool,
}

/// Where a page of entries continues.
#[derive(Clone, Debug, Default)]
pub struct ActivityCursor {
    /// After this id, in the order of the list.
    pub id: Option<String>,
    /// After this moment, in the order of the list; before it, where the list is not in the order of time.
    pub moment: Option<DateTime<Utc>>,
}

/// The types that a list can be asked for, in the vendor's order.
pub const LISTED_TYPES: [&str; 67] = [
    "customer.confirmed",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.referred",
    "customer.custom_event",
    "customer.segment.entered",
    "customer.segment.left",
    "customer.sms.sent",
    "customer.sms.recovered",
    "customer.sms.failed",
    "customer.email.sent",
    "customer.email.recovered",
    "customer.email.failed",
    "customer.activecampaign.sent",
    "customer.activecampaign.recovered",
    "customer.activecampaign.failed",
    "customer.braze.sent",
    "customer.braze.recovered",
    "customer.braze.failed",
    "customer.mailchimp.sent",
    "customer.mailchimp.recovered",
    "customer.mailchimp.failed",
    "customer.intercom.sent",
    "customer.intercom.recovered",
    "customer.intercom.failed",
    "customer.shopify.sent",
    "customer.shopify.recovered",
    "customer.shopify.failed",
    "customer.klaviyo.sent",
    "customer.klaviyo.recovered",
    "customer.klaviyo.failed",
    "customer.batch.sent",
    "customer.batch.recovered",
    "customer.batch.failed",
    "customer.rewarded",
    "customer.rewarded.loyalty_points",
    "customer.voucher.gift.balance_added",
    "customer.voucher.loyalty_card.points_added",
    "customer.voucher.loyalty_card.points_transferred",
    "customer.voucher.loyalty_card.points_expired",
    "customer.voucher.deleted",
    "customer.publication.succeeded",
    "customer.publication.failed",
    "customer.validation.succeeded",
    "customer.validation.failed",
    "customer.redemption.failed",
    "customer.redemption.succeeded",
    "customer.redemption.rollback.failed",
    "customer.redemption.rollback.succeeded",
    "customer.order.canceled",
    "customer.order.created",
    "customer.order.fulfilled",
    "customer.order.paid",
    "customer.order.processing",
    "customer.order.updated",
    "customer.reward_redemptions.created",
    "customer.reward_redemptions.pending",
    "customer.reward_redemptions.completed",
    "customer.reward_redemptions.rolledback",
    "customer.loyalty.updated",
    "customer.loyalty.tier.upgraded",
    "customer.loyalty.tier.downgraded",
    "customer.loyalty.tier.prolonged",
    "customer.loyalty.tier.expiration.changed",
    "customer.loyalty.tier.joined",
    "customer.loyalty.tier.left",
];
