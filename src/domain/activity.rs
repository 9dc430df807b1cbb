//! The entries of a customer's activity.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::json::JsonText;

/// What an entry tells of. The vendor has 67 types; these are the ones that happen here.
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
    /// The server key of that request.
    pub app_id: Arc<str>,
    /// The payload, without what describes a second person.
    pub data: JsonText,
    /// A second person that the payload names (an order's referrer): the id and how the payload shows them.
    pub referrer: Option<(String, JsonText)>,
    pub created_at: DateTime<Utc>,
}
