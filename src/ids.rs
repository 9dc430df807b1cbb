//! Generates identifiers, in the vendor's two forms: random base 62, and time-ordered hexadecimal.
//! No other module generates identifiers.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use chrono::{DateTime, Utc};
use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::domain::identifier_kind::CODE;
use crate::domain::time_ordered_id::{BITS_BELOW_MILLIS, EPOCH_MILLIS};

/// The bits of a time-ordered identifier below those of the milliseconds.
const LOW_MASK: u32 = (1 << BITS_BELOW_MILLIS) - 1;
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
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        time_ordered(prefix, now, (u32::from(self.node) << 16) | u32::from(count))
    }
}

/// Returns `prefix` and 18 hexadecimal digits: the milliseconds of `now`, and the 30 lower bits of `low`.
fn time_ordered(prefix: &str, now: DateTime<Utc>, low: u32) -> String {
    let millis = u128::from((now.timestamp_millis() - EPOCH_MILLIS).max(0).unsigned_abs());
    let bits = (millis << BITS_BELOW_MILLIS) | u128::from(low & LOW_MASK);
    let mut id = String::with_capacity(prefix.len() + 18);
    id.push_str(prefix);
    let _ = write!(id, "{:018x}", bits & ((1 << 72) - 1));
    id
}

/// The identifiers of one transaction: random ones, or those that follow from the seed of its project.
#[derive(Debug)]
pub struct IdSource {
    random: Arc<Ids>,
    seeded: Option<SeededIds>,
}

/// The identifiers that follow from a seed.
#[derive(Debug)]
struct SeededIds {
    seed: String,
    /// How many identifiers of each kind were made.
    counts: BTreeMap<String, i64>,
    has_changed: bool,
}

impl SeededIds {
    /// Counts one more identifier of the kind, and returns its number, beginning with 1.
    fn next(&mut self, kind: &str) -> i64 {
        let count = self.counts.entry(kind.to_owned()).or_default();
        *count += 1;
        self.has_changed = true;
        *count
    }
}

impl IdSource {
    /// Returns a source of random identifiers.
    #[must_use]
    pub fn random_from(ids: &Arc<Ids>) -> Self {
        Self { random: Arc::clone(ids), seeded: None }
    }

    /// Returns a source that continues after `counts` identifiers of each kind.
    #[must_use]
    pub fn seeded_from(ids: &Arc<Ids>, seed: String, counts: BTreeMap<String, i64>) -> Self {
        Self { random: Arc::clone(ids), seeded: Some(SeededIds { seed, counts, has_changed: false }) }
    }

    /// Returns the seed and the counts after identifiers were made from the seed; `None` where nothing is to be stored.
    #[must_use]
    pub fn changed_counts(&self) -> Option<(&str, &BTreeMap<String, i64>)> {
        self.seeded.as_ref().filter(|seeded| seeded.has_changed).map(|seeded| (seeded.seed.as_str(), &seeded.counts))
    }

    /// Returns whether the identifiers follow from a seed.
    #[must_use]
    pub fn is_seeded(&self) -> bool {
        self.seeded.is_some()
    }

    /// Returns the next `count` identifiers of [`IdSource::random`] with their numbers, without making them. There is none without a seed.
    #[must_use]
    pub fn upcoming(&self, prefix: &str, count: i64) -> Vec<(String, i64)> {
        let Some(SeededIds { seed, counts, .. }) = &self.seeded else { return Vec::new() };
        let made = counts.get(prefix).copied().unwrap_or_default();
        (made + 1..=made + count)
            .map(|number| (seeded_text(seed, prefix, number, prefix, 24, BASE62), number))
            .collect()
    }

    /// Returns the number with which [`IdSource::time_ordered`] would make an identifier; `None` where it does not follow from the seed.
    #[must_use]
    pub fn number_of(&self, prefix: &str, id: &str) -> Option<i64> {
        let digits = id.strip_prefix(prefix).filter(|digits| digits.len() == 18)?;
        let low = u128::from_str_radix(digits, 16).ok()? & u128::from(LOW_MASK);
        let first = first_number(&self.seeded.as_ref()?.seed, prefix);
        u32::try_from(low).ok()?.checked_sub(first).map(i64::from)
    }

    /// Returns how many identifiers of the kind were made from the seed.
    #[must_use]
    pub fn made(&self, prefix: &str) -> i64 {
        self.seeded.as_ref().and_then(|seeded| seeded.counts.get(prefix)).copied().unwrap_or_default()
    }

    /// Leaves out the identifiers of a seed up to that number.
    pub fn skip_to(&mut self, prefix: &str, number: i64) {
        if number > self.made(prefix)
            && let Some(seeded) = &mut self.seeded
        {
            seeded.counts.insert(prefix.to_owned(), number);
            seeded.has_changed = true;
        }
    }

    /// Returns the next identifier in the form of [`Ids::random`].
    #[must_use]
    pub fn random(&mut self, prefix: &str) -> String {
        match &mut self.seeded {
            None => self.random.random(prefix),
            Some(seeded) => {
                let number = seeded.next(prefix);
                seeded_text(&seeded.seed, prefix, number, prefix, 24, BASE62)
            }
        }
    }

    /// Returns the next identifier in the form of [`Ids::time_ordered`].
    #[must_use]
    pub fn time_ordered(&mut self, prefix: &str, now: DateTime<Utc>) -> String {
        match &mut self.seeded {
            None => self.random.time_ordered(prefix, now),
            Some(seeded) => {
                let number = seeded.next(prefix);
                seeded_time_ordered(&seeded.seed, prefix, number, now)
            }
        }
    }

    /// Returns the next identifier in the form of [`Ids::digits`].
    #[must_use]
    pub fn digits(&mut self, length: usize) -> String {
        match &mut self.seeded {
            None => self.random.digits(length),
            Some(seeded) => {
                let number = seeded.next(CODE);
                seeded_text(&seeded.seed, CODE, number, "", length, b"0123456789")
            }
        }
    }
}

/// Returns the time-ordered identifier with that number. The identifiers of one millisecond are in the order of their numbers.
#[must_use]
pub fn seeded_time_ordered(seed: &str, prefix: &str, number: i64, now: DateTime<Utc>) -> String {
    let first = first_number(seed, prefix);
    let number = u32::try_from(number & i64::from(LOW_MASK)).unwrap_or_default();
    time_ordered(prefix, now, first.wrapping_add(number))
}

/// Returns the lower bits from which the numbers of a kind of time-ordered identifiers begin.
fn first_number(seed: &str, prefix: &str) -> u32 {
    let digest = seeded_digest(seed, prefix, 0);
    // Half of the range is left for the numbers, so that they do not wrap.
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) & (LOW_MASK >> 1)
}

fn seeded_text(seed: &str, kind: &str, number: i64, prefix: &str, length: usize, alphabet: &[u8]) -> String {
    let digest = seeded_digest(seed, kind, number);
    let characters = digest.iter().take(length).map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]));
    prefix.chars().chain(characters).collect()
}

fn seeded_digest(seed: &str, kind: &str, number: i64) -> [u8; 32] {
    Sha256::digest(format!("{seed}\0{kind}\0{number}")).into()
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
    fn identifiers_that_are_in_use_are_left_out() {
        let ids = Arc::new(Ids::new(1));
        let source = || IdSource::seeded_from(&ids, "a".to_owned(), BTreeMap::new());
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (mut one, mut other) = (source(), source());
        let made: Vec<_> = (0..3).map(|_| one.random("cust_")).collect();
        assert_eq!(other.upcoming("cust_", 3).into_iter().map(|(id, _)| id).collect::<Vec<_>>(), made);
        other.skip_to("cust_", 2);
        other.skip_to("cust_", 1);
        assert_eq!(other.random("cust_"), made[2]);
        let orders: Vec<_> = (0..3).map(|_| one.time_ordered("ord_", now)).collect();
        let numbers: Vec<_> = orders.iter().map(|id| other.number_of("ord_", id)).collect();
        assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
        assert_eq!(other.number_of("ord_", "ord_nothexadecimal1234"), None);
        assert!(IdSource::random_from(&ids).upcoming("cust_", 3).is_empty());
    }

    #[test]
    fn seeded_ids_depend_on_seed_kind_and_number() {
        let ids = Arc::new(Ids::new(1));
        let source = |seed: &str| IdSource::seeded_from(&ids, seed.to_owned(), BTreeMap::new());
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let (mut one, mut same, mut other) = (source("a"), source("a"), source("b"));
        let first = one.random("cust_");
        assert_eq!(same.time_ordered("ord_", now), one.time_ordered("ord_", now));
        assert_eq!(first, same.random("cust_"), "the order of the kinds does not matter");
        assert_ne!(first, one.random("cust_"));
        assert_ne!(first, other.random("cust_"));
        assert_ne!(first.strip_prefix("cust_"), source("a").random("seg_").strip_prefix("seg_"));
        assert!(
            first.len() == 29 && first.strip_prefix("cust_").unwrap().bytes().all(|byte| byte.is_ascii_alphanumeric())
        );
        assert_eq!(one.digits(16).len(), 16);
        let counts = one.changed_counts().unwrap().1;
        assert_eq!((counts["cust_"], counts["ord_"], counts[CODE]), (2, 1, 1));
    }

    #[test]
    fn seeded_time_ordered_ids_of_one_millisecond_are_in_order() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        for seed in ["a", "b", "c", "d"] {
            let made: Vec<_> = (1..2_000).map(|number| seeded_time_ordered(seed, "evcus_", number, now)).collect();
            assert!(made.is_sorted() && made.iter().all(|id| id.len() == 24));
        }
    }

    #[test]
    fn a_random_id_has_24_base_62_characters() {
        let id = Ids::new(1).random("cust_");
        let tail = id.strip_prefix("cust_").unwrap();
        assert_eq!(tail.len(), 24);
        assert!(tail.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
