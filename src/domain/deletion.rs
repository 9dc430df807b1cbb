//! The permanent deletion (erasure) of a customer, and the counts it reports.

use chrono::{DateTime, Utc};

use super::json::JsonText;

/// The record of a permanent deletion: the id of the erased customer and the counts of deleted data.
#[derive(Clone, Debug)]
pub struct PermanentDeletion {
    /// `del_...`.
    pub id: String,
    /// The `cust_` id of the erased customer, also when the request used its source id; the `ucust_` id of an
    /// unconfirmed customer.
    pub customer_id: String,
    pub created_at: DateTime<Utc>,
    pub counts: DeletionCounts,
}

/// A permanent deletion as it is stored.
#[derive(Clone, Debug)]
pub struct RecordedDeletion {
    pub deletion: PermanentDeletion,
    /// The number of removed rows by table, as a JSON object. Tables of which no row was removed are left out.
    pub removed: JsonText,
}

/// The counts of deleted data. The vendor publishes only the names; this project defines the meanings, in
/// `docs/deletion.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletionCounts {
    /// Number of custom events.
    pub events: i64,
    /// Number of activity entries that do not concern an order.
    pub customer_events: i64,
    /// Number of daily aggregate rows. Always 0, because there are no aggregates yet.
    pub daily_events: i64,
    /// Number of memberships in stored segments.
    pub segments: i64,
    /// Number of orders of the customer.
    pub orders: i64,
    /// Number of activity entries that concern an order.
    pub order_events: i64,
}
