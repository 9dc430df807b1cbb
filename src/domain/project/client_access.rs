//! The project settings that apply to client-side requests.

use serde::Deserialize;

/// The client-side settings of a project, by the vendor's names. The vendor denies client-side access by default; the
/// emulator allows it, so that a project works without being configured.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct ClientAccess {
    /// The domains whose pages are trusted, or `None` when the setting was never made.
    #[serde(rename = "client_trusted_domains")]
    pub trusted_domains: Option<Vec<String>>,
    #[serde(rename = "client_create_customer_enabled")]
    pub create_customer: bool,
    #[serde(rename = "client_loyalty_events_enabled")]
    pub loyalty_events: bool,
}

impl Default for ClientAccess {
    fn default() -> Self {
        Self { trusted_domains: None, create_customer: true, loyalty_events: true }
    }
}
