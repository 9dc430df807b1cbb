//! Custom events.

use chrono::{DateTime, Utc};

use super::json::JsonText;

/// A custom event of a customer, defined by the client.
#[derive(Clone, Debug)]
pub struct CustomEvent {
    /// `event_...`; shown in activity payloads, but not in the response of the request.
    pub id: String,
    /// The name chosen by the client, 1 to 300 characters.
    pub name: String,
    pub metadata: JsonText,
    /// As it was sent. It may identify another customer, so it is returned in the response but not stored.
    pub referral: Option<JsonText>,
    /// As it was sent.
    pub loyalty: Option<JsonText>,
    pub created_at: DateTime<Utc>,
}

/// A custom event as it is stored.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    pub id: String,
    pub customer_id: String,
    pub name: String,
    pub metadata: JsonText,
    pub created_at: DateTime<Utc>,
}
