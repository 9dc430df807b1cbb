//! The project settings that apply to client-side requests.

use serde::Deserialize;

/// The client-side settings of a project, by the vendor's names; `None` for a setting that was never made. The vendor denies
/// client-side access by default, and so does a strict project. Otherwise it is allowed, so that a project works without being
/// configured.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct ClientAccess {
    /// The domains whose pages are trusted.
    #[serde(rename = "client_trusted_domains")]
    pub trusted_domains: Option<Vec<String>>,
    #[serde(rename = "client_create_customer_enabled")]
    pub create_customer: Option<bool>,
    #[serde(rename = "client_loyalty_events_enabled")]
    pub loyalty_events: Option<bool>,
}

impl ClientAccess {
    /// Returns the functions that are enabled.
    #[must_use]
    pub fn functions(&self, is_strict: bool) -> ClientFunctions {
        ClientFunctions {
            create_customer: self.create_customer.unwrap_or(!is_strict),
            loyalty_events: self.loyalty_events.unwrap_or(!is_strict),
        }
    }
}

/// The client-side functions that are enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientFunctions {
    pub create_customer: bool,
    pub loyalty_events: bool,
}
