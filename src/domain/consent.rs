//! Consents that a customer gives and revokes.

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
