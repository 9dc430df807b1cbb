//! Customer activity: entries, and the filters and sort orders of their lists.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::credential::Channel;
use super::json::JsonText;
use super::page::Direction;

/// The type of an activity entry. The vendor has more types, see [`LISTED_TYPES`]; these are the ones that the emulator
/// records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityType {
    CustomerConfirmed,
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
    /// Returns the vendor's name of the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CustomerConfirmed => "customer.confirmed",
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

/// A new entry, to be stored in the same transaction as the change that caused it.
#[derive(Clone, Debug)]
pub struct ActivityEntry {
    /// The customer to whose activity the entry belongs.
    pub customer_id: String,
    /// `evcus_...`, time-ordered.
    pub id: String,
    pub kind: ActivityType,
    /// The id of the request that caused the entry; all entries of one request have the same group id.
    pub group_id: String,
    /// The key of the request that caused the entry.
    pub app_id: Arc<str>,
    pub channel: Channel,
    /// The payload, without the data of a second customer.
    pub data: JsonText,
    /// A second customer in the payload (the referrer of an order): its id, and its JSON in the payload. It is stored
    /// separately, so that it can be erased.
    pub referrer: Option<(String, JsonText)>,
    pub created_at: DateTime<Utc>,
}

/// An entry as it is stored; written from an [`ActivityEntry`].
#[derive(Clone, Debug)]
pub struct StoredEntry {
    pub id: String,
    /// The stored name of the type.
    pub kind: String,
    pub group_id: String,
    /// The payload, without the data of a second customer.
    pub data: JsonText,
    /// The second customer, until it is erased.
    pub referrer: Option<(String, JsonText)>,
    pub created_at: DateTime<Utc>,
    /// The key of the request; `None` for entries written before keys were recorded.
    pub app_id: Option<String>,
    pub channel: Channel,
}

/// The category of an entry. The vendor publishes only the two names; this project defines which types they contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityCategory {
    /// An action of the customer or a client: every type that is not an effect.
    Action,
    /// A consequence of an action: the types `customer.segment.*`.
    Effect,
}

impl ActivityCategory {
    /// The names of the categories, in the vendor's order.
    pub const NAMES: [&str; 2] = ["ACTION", "EFFECT"];

    /// Returns the category with that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ACTION" => Some(Self::Action),
            "EFFECT" => Some(Self::Effect),
            _ => None,
        }
    }
}

/// The key by which a list of entries is sorted. Entries with equal keys are sorted by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKey {
    /// The id, which begins with the creation time. Entries are never updated.
    Id,
    Type,
    Category,
}

/// A sort order of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivitySort {
    pub key: ActivityKey,
    pub direction: Direction,
}

impl ActivitySort {
    /// The default order.
    pub const NEWEST_FIRST: Self = Self { key: ActivityKey::Id, direction: Direction::Descending };

    /// Parses the `order` parameter: a key, prefixed with a dash for descending order. No entry has a code or a
    /// campaign, so sorting by either of them is sorting by id.
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

/// The filter of a list of entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActivityFilter {
    /// Only entries at or after this time, compared in milliseconds, the precision of responses.
    pub start: Option<DateTime<Utc>>,
    /// Only entries at or before this time, compared in milliseconds, the precision of responses.
    pub end: Option<DateTime<Utc>>,
    /// Only entries of this type.
    pub kind: Option<&'static str>,
    pub category: Option<ActivityCategory>,
    /// Set by a filter for a campaign or product: no entry concerns one, so the list is empty.
    pub matches_nothing: bool,
}

/// The position at which a page of entries continues.
#[derive(Clone, Debug, Default)]
pub struct ActivityCursor {
    /// The page starts after this id, in the order of the list.
    pub id: Option<String>,
    /// The page starts after this time, in the order of the list. If the list is not sorted by time, the page contains
    /// entries before this time.
    pub moment: Option<DateTime<Utc>>,
}

/// The types by which a list can be filtered, in the vendor's order.
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
