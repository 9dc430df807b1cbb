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
    pub referral: Option<JsonText>,
    pub loyalty: Option<JsonText>,
    pub created_at: DateTime<Utc>,
}
