//! OAuth 2.0 tokens, their scopes and their lifetime.

use chrono::{DateTime, TimeDelta, Utc};

/// The time from the creation of a token until it expires.
pub const TOKEN_LIFETIME: TimeDelta = TimeDelta::seconds(900);

/// The vendor's scopes. Some of them concern only features that are not emulated.
pub const SCOPES: [&str; 42] = [
    "api",
    "assets",
    "async-actions",
    "campaigns",
    "categories",
    "client_api",
    "client_consents",
    "client_customers",
    "client_events",
    "client_promotions",
    "client_publish",
    "client_qualifications",
    "client_redeem",
    "client_redemptions",
    "client_validate",
    "client_validations",
    "client_vouchers",
    "consents",
    "customers",
    "events",
    "exports",
    "locations",
    "loyalties",
    "metadata-schemas",
    "orders",
    "product-collections",
    "products",
    "promotions",
    "publications",
    "qualifications",
    "redemptions",
    "referrals",
    "rewards",
    "segments",
    "skus",
    "task-results",
    "templates",
    "trash-bin",
    "validation-rules",
    "validation-rules-assignments",
    "validations",
    "vouchers",
];

/// The public properties of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthToken {
    /// The client id of the server key that requested the token.
    pub client_id: String,
    /// The scopes, as they were requested.
    pub scope: String,
    pub expires_at: DateTime<Utc>,
}

impl OauthToken {
    /// Returns the number of whole seconds until the token expires.
    #[must_use]
    pub fn expires_in(&self, now: DateTime<Utc>) -> i64 {
        self.expires_at.timestamp() - now.timestamp()
    }
}

/// Returns whether `scope` consists of one or more names from [`SCOPES`], separated by spaces.
#[must_use]
pub fn is_valid_scope(scope: &str) -> bool {
    let mut names = scope.split(' ').filter(|name| !name.is_empty()).peekable();
    names.peek().is_some() && names.all(|name| SCOPES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_separated_by_spaces() {
        for scope in ["api", "customers orders", " customers  client_events "] {
            assert!(is_valid_scope(scope), "{scope}");
        }
        for scope in ["", " ", "vouchers,campaigns", "customers everything", "API", "customers\torders"] {
            assert!(!is_valid_scope(scope), "{scope}");
        }
    }
}
