//! A snapshot of a project.

use chrono::{DateTime, Utc};

use super::json::JsonText;

/// The longest name of a snapshot.
const MAX_NAME_BYTES: usize = 64;

/// A snapshot of a project.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub name: String,
    pub created_at: DateTime<Utc>,
    /// How many objects of each kind it has, as JSON.
    pub counts: JsonText,
}

/// Returns whether a snapshot may have this name: 1 to 64 of the characters `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_64_of_the_allowed_characters() {
        for name in ["a", "A-Z_0.9", &"n".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "é", "a%", &"n".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
