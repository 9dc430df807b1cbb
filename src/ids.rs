//! Generates identifiers, in the vendor's two forms: random base 62, and time-ordered hexadecimal.
//! No other module generates identifiers.

use std::fmt::Write;
use std::sync::atomic::{AtomicU16, Ordering};

use chrono::{DateTime, Utc};
use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::domain::time_ordered_id::{BITS_BELOW_MILLIS, EPOCH_MILLIS};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A generator of identifiers, one per process. Its node number keeps its time-ordered identifiers distinct from those
/// of another process on the same database.
#[derive(Debug)]
pub struct Ids {
    node: u16,
    counter: AtomicU16,
}

impl Ids {
    /// Returns a generator for `node`, of which only the lowest 14 bits are used.
    #[must_use]
    pub fn new(node: u16) -> Self {
        Self { node: node & 0x3fff, counter: AtomicU16::new(rand::rng().random()) }
    }

    /// Returns `prefix` and 24 random base 62 characters: the form of customer, deletion and segment ids.
    #[must_use]
    pub fn random(&self, prefix: &str) -> String {
        self.random_with_length(prefix, 24)
    }

    /// Returns `prefix` and `length` random base 62 characters.
    #[must_use]
    pub fn random_with_length(&self, prefix: &str, length: usize) -> String {
        let mut id = String::with_capacity(prefix.len() + length);
        id.push_str(prefix);
        let mut rng = rand::rng();
        id.extend((0..length).map(|_| char::from(BASE62[rng.random_range(0..BASE62.len())])));
        id
    }

    /// Returns `length` random decimal digits: the form of the customer codes of Sticky Street.
    #[must_use]
    pub fn digits(&self, length: usize) -> String {
        let mut rng = rand::rng();
        (0..length).map(|_| char::from(rng.random_range(b'0'..=b'9'))).collect()
    }

    /// Returns a random UUID in lower case: the form of keys, their tokens, and webhook secrets.
    #[must_use]
    pub fn uuid(&self) -> String {
        uuid::Uuid::new_v4().to_string()
    }

    /// Returns `prefix` and 18 hexadecimal digits: 42 bits of milliseconds since 2016-05-04, 14 bits of the node, and
    /// 16 bits of a counter that wraps. This is the form of order, request, activity entry and custom event ids. The
    /// layout was derived from published examples.
    #[must_use]
    pub fn time_ordered(&self, prefix: &str, now: DateTime<Utc>) -> String {
        let millis = u128::from((now.timestamp_millis() - EPOCH_MILLIS).max(0).unsigned_abs());
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let bits = (millis << BITS_BELOW_MILLIS) | (u128::from(self.node) << 16) | u128::from(count);
        let mut id = String::with_capacity(prefix.len() + 18);
        id.push_str(prefix);
        let _ = write!(id, "{:018x}", bits & ((1 << 72) - 1));
        id
    }
}

/// Returns the OAuth client id of a server key: 21 base 62 characters, always the same for the same key.
#[must_use]
pub fn oauth_client_id(app_id: &str) -> String {
    let digest = Sha256::digest(format!("OAuth client of {app_id}"));
    digest.iter().take(21).map(|byte| char::from(BASE62[usize::from(*byte) % BASE62.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_ordered_id_has_the_layout_of_the_published_example() {
        // ord_0f1a05f696156bea39 was made at 2024-07-23T19:53:51.448Z by node 0x156b with counter 0xea39.
        let ids = Ids { node: 0x156b, counter: AtomicU16::new(0xea39) };
        let now = DateTime::parse_from_rfc3339("2024-07-23T19:53:51.448Z").unwrap().to_utc();
        assert_eq!(ids.time_ordered("ord_", now), "ord_0f1a05f696156bea39");
        assert_eq!(ids.time_ordered("ord_", now), "ord_0f1a05f696156bea3a");
    }

    #[test]
    fn an_oauth_client_id_depends_only_on_the_key() {
        let id = oauth_client_id("a");
        assert!(id.len() == 21 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert_eq!(id, oauth_client_id("a"));
        assert_ne!(id, oauth_client_id("b"));
    }

    #[test]
    fn a_random_id_has_24_base_62_characters() {
        let id = Ids::new(1).random("cust_");
        let tail = id.strip_prefix("cust_").unwrap();
        assert_eq!(tail.len(), 24);
        assert!(tail.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
