//! OAuth 2.0 tokens: what they may be asked for, and how long they live.

use chrono::{DateTime, TimeDelta, Utc};

/// How long a token lives.
pub const LIFETIME: TimeDelta = TimeDelta::seconds(900);

/// What a token may be asked for: the vendor's names, of which some open nothing that is emulated.
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

/// What is told of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthToken {
    /// That of the server key which asked for it.
    pub client_id: String,
    /// As it was asked for.
    pub scope: String,
    pub expires_at: DateTime<Utc>,
}

impl OauthToken {
    /// The whole seconds for which it lives on.
    #[must_use]
    pub fn expires_in(&self, now: DateTime<Utc>) -> i64 {
        self.expires_at.timestamp() - now.timestamp()
    }
}

/// Whether every name in `scope` is one of [`SCOPES`], with blanks between them and nothing else.
#[must_use]
pub fn is_scope(scope: &str) -> bool {
    let mut names = scope.split(' ').filter(|name| !name.is_empty()).peekable();
    names.peek().is_some() && names.all(|name| SCOPES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_stand_with_blanks_between_them() {
        for scope in ["api", "customers orders", " customers  client_events "] {
            assert!(is_scope(scope), "{scope}");
        }
        for scope in ["", " ", "vouchers,campaigns", "customers everything", "API", "customers\torders"] {
            assert!(!is_scope(scope), "{scope}");
        }
    }
}
