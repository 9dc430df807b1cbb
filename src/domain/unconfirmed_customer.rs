//! Unconfirmed customers: what a page sent with double opt-in, until it is confirmed.

use chrono::{DateTime, TimeDelta, Utc};

use super::customer::{CustomerPatch, CustomerReference};
use super::limits;

/// An unconfirmed customer. Its confirmation creates a customer, or updates the one that has its source id by then.
#[derive(Clone, Debug)]
pub struct UnconfirmedCustomer {
    /// `ucust_...`.
    pub id: String,
    pub source_id: Option<String>,
    /// The members of the customer as they were sent last.
    pub patch: CustomerPatch,
    /// When it was sent last.
    pub requested_at: DateTime<Utc>,
}

impl UnconfirmedCustomer {
    /// Returns the e-mail address. An empty one counts as none.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.patch.email.as_value().map(String::as_str).filter(|email| !email.is_empty())
    }

    /// Returns the customer that the confirmation creates or updates.
    #[must_use]
    pub fn into_reference(self) -> CustomerReference {
        CustomerReference { id: None, source_id: self.source_id, patch: self.patch }
    }

    /// Returns the time before which it must have been sent to be expired at `now`.
    #[must_use]
    pub fn expired_before(now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(limits::UNCONFIRMED_CUSTOMER_RETENTION_DAYS.into())
    }
}
