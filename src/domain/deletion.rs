//! The permanent deletion of a person, and what it counts.

use chrono::{DateTime, Utc};

/// The record of a permanent deletion: numbers, and the id that is gone.
#[derive(Clone, Debug)]
pub struct PermanentDeletion {
    /// `del_...`.
    pub id: String,
    /// The `cust_` id that is gone, however the call named the customer.
    pub customer_id: String,
    pub created_at: DateTime<Utc>,
    pub counts: DeletionCounts,
}

/// What was removed. The vendor publishes the names only; the meanings are this project's, in `docs/deletion.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeletionCounts {
    /// Custom events.
    pub events: i64,
    /// Activity entries that do not concern an order.
    pub customer_events: i64,
    /// Rows of daily aggregates; nothing aggregates yet.
    pub daily_events: i64,
    /// Memberships of stored segments.
    pub segments: i64,
    /// Orders of the customer.
    pub orders: i64,
    /// Activity entries that concern an order.
    pub order_events: i64,
}

/// What becomes of a row that names a forgotten customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The row is the customer's own and goes.
    Removed,
    /// The row is another's; what it says of the customer is cleared.
    Cleared,
}

/// Everything that hangs on a customer: table, column that names the customer, fate. A test holds this list against the
/// foreign keys and columns of the database, so that a new table cannot be forgotten by the forgetting.
pub const HANGS_ON_A_CUSTOMER: &[(&str, &str, Fate)] = &[
    ("customer_activity", "customer_id", Fate::Removed),
    ("customer_activity", "referrer_id", Fate::Cleared),
    ("customer_event_counts", "customer_id", Fate::Removed),
    ("customer_consents", "customer_id", Fate::Removed),
    ("customer_moments", "customer_id", Fate::Removed),
    ("custom_events", "customer_id", Fate::Removed),
    ("orders", "customer_id", Fate::Removed),
    ("orders", "referrer_id", Fate::Cleared),
    ("segment_members", "customer_id", Fate::Removed),
    ("webhook_deliveries", "customer_id", Fate::Removed),
];
