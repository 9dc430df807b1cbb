//! Consents that a customer gives and revokes.

use chrono::{DateTime, Utc};

/// What a call says about a customer's consents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsentChange {
    /// `{"unsubscribed": true}`: revokes everything that was given.
    RevokeAll,
    /// Consent ids and whether each is given.
    Set(Vec<(String, bool)>),
}

/// A consent as payloads name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub id: String,
    pub name: String,
}

/// A consent as it is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentDefinition {
    /// Of 1 to 500 characters; the vendor's begin with `cnst_`.
    pub id: String,
    /// The id, where the first use has defined it.
    pub name: String,
    /// Empty where there is none.
    pub description: String,
    /// Empty where there is none.
    pub category: String,
    pub created_at: DateTime<Utc>,
    /// None until the definition was changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// Consents that are shown together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentGroup {
    /// Of 1 to 500 characters; the vendor's begin with `cnstgr_`.
    pub id: String,
    pub name: String,
    /// Empty where there is none.
    pub description: String,
    /// The ids, in the order in which they were named.
    pub consents: Vec<String>,
    pub created_at: DateTime<Utc>,
    /// None until the group was changed.
    pub updated_at: Option<DateTime<Utc>>,
}
