//! Custom events.

use chrono::{DateTime, Utc};

use super::json::JsonText;

/// Something that a customer did, as the client names it.
#[derive(Clone, Debug)]
pub struct CustomEvent {
    /// `event_...`; shown in payloads, not in the answer.
    pub id: String,
    /// The client's name of the event, 1 to 300 characters.
    pub name: String,
    pub metadata: JsonText,
    /// As it was sent. It may name another person, so it is answered and not kept.
    pub referral: Option<JsonText>,
    /// As it was sent.
    pub loyalty: Option<JsonText>,
    pub created_at: DateTime<Utc>,
}
