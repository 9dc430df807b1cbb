//! The only place that makes identifiers, in the vendor's two forms: random base 62, and time-ordered hexadecimal.

use std::fmt::Write;
use std::sync::atomic::{AtomicU16, Ordering};

use chrono::{DateTime, Utc};
use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::domain::timed_id::{BITS_BELOW_MILLIS, EPOCH_MILLIS};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Makes identifiers. One per process: its node number keeps its time-ordered identifiers apart from those of another
/// process on the same database.
#[derive(Debug)]
pub struct Ids {
    node: u16,
    counter: AtomicU16,
}

impl Ids {
    /// A generator for `node`, of which the lowest 14 bits count.
    #[must_use]
    pub fn new(node: u16) -> Self {
        Self { node: node & 0x3fff, counter: AtomicU16::new(rand::rng().random()) }
    }

    /// `prefix` and 24 random characters of base 62: customers, deletions, segments.
    #[must_use]
    pub fn random(&self, prefix: &str) -> String {
        self.random_of(prefix, 24)
    }

    /// `prefix` and `length` random characters of base 62.
    #[must_use]
    pub fn random_of(&self, prefix: &str, length: usize) -> String {
        let mut id = String::with_capacity(prefix.len() + length);
        id.push_str(prefix);
        let mut rng = rand::rng();
        id.extend((0..length).map(|_| char::from(BASE62[rng.random_range(0..BASE62.len())])));
        id
    }

    /// `length` random decimal digits: codes of customers, as another vendor has them.
    #[must_use]
    pub fn digits(&self, length: usize) -> String {
        let mut rng = rand::rng();
        (0..length).map(|_| char::from(rng.random_range(b'0'..=b'9'))).collect()
    }

    /// A random UUID in lower case: keys, their tokens, the secrets of webhooks.
    #[must_use]
    pub fn uuid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    /// `prefix` and 18 hexadecimal digits: 42 bits of milliseconds since 2016-05-04, 14 of node, 16 of a counter that
    /// wraps. Orders, requests, activity entries, custom events. The layout was fitted on published examples.
    #[must_use]
    pub fn timed(&self, prefix: &str, now: DateTime<Utc>) -> String {
        let millis = u128::from((now.timestamp_millis() - EPOCH_MILLIS).max(0).unsigned_abs());
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let bits = (millis << BITS_BELOW_MILLIS) | (u128::from(self.node) << 16) | u128::from(count);
        let mut id = String::with_capacity(prefix.len() + 18);
        id.push_str(prefix);
        let _ = write!(id, "{:018x}", bits & ((1 << 72) - 1));
        id
    }
}

/// The OAuth client of a server key: 21 characters of base 62, the same whenever they are asked for.
#[must_use]
pub fn oauth_client_id(app_id: &str) -> String {
    let digest = Sha256::digest(format!("OAuth client of {app_id}"));
    digest.iter().take(21).map(|byte| char::from(BASE62[usize::from(*byte) % BASE62.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timed_identifier_holds_the_published_example() {
        // ord_0f1a05f696156bea39 was made at 2024-07-23T19:53:51.448Z by node 0x156b with counter 0xea39.
        let ids = Ids { node: 0x156b, counter: AtomicU16::new(0xea39) };
        let now = DateTime::parse_from_rfc3339("2024-07-23T19:53:51.448Z").unwrap().to_utc();
        assert_eq!(ids.timed("ord_", now), "ord_0f1a05f696156bea39");
        assert_eq!(ids.timed("ord_", now), "ord_0f1a05f696156bea3a");
    }

    #[test]
    fn an_oauth_client_is_told_by_its_key() {
        let id = oauth_client_id("a");
        assert!(id.len() == 21 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert_eq!(id, oauth_client_id("a"));
        assert_ne!(id, oauth_client_id("b"));
    }

    #[test]
    fn a_random_identifier_has_24_characters_of_base_62() {
        let id = Ids::new(1).random("cust_");
        let tail = id.strip_prefix("cust_").unwrap();
        assert_eq!(tail.len(), 24);
        assert!(tail.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
