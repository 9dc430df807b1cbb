//! The consents of customers.

use chrono::{DateTime, Utc};

/// A change of a customer's consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentChange {
    /// `{"unsubscribed": true}`: revokes all given consents.
    RevokeAll,
    /// Consent ids, each with whether it is given.
    Set(Vec<(String, bool)>),
}

/// A consent, as shown in activity payloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub id: String,
    pub name: String,
}

/// The definition of a consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentDefinition {
    /// 1 to 500 characters. The vendor's ids begin with `cnst_`.
    pub id: String,
    /// Equal to the id if the consent was defined by its first use.
    pub name: String,
    /// Empty if there is none.
    pub description: String,
    /// Empty if there is none.
    pub category: String,
    pub created_at: DateTime<Utc>,
    /// `None` until the first change of the definition.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A group of consents that are shown together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentGroup {
    /// 1 to 500 characters. The vendor's ids begin with `cnstgr_`.
    pub id: String,
    pub name: String,
    /// Empty if there is none.
    pub description: String,
    /// The ids of the consents, in the order in which they were sent.
    pub consents: Vec<String>,
    pub created_at: DateTime<Utc>,
    /// `None` until the first change of the group.
    pub updated_at: Option<DateTime<Utc>>,
}

/// The decision of a customer on a consent.
#[derive(Clone, Debug)]
pub struct CustomerConsent {
    pub id: String,
    pub name: String,
    pub given: bool,
    pub updated_at: DateTime<Utc>,
}
