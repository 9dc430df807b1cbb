//! A configured key.

use std::fmt;

/// A key: its ID and its token.
#[derive(Clone)]
pub struct KeyPair {
    pub id: String,
    pub token: String,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyPair").field("id", &self.id).finish_non_exhaustive()
    }
}

impl KeyPair {
    /// Creates a key pair.
    pub fn new(id: impl Into<String>, token: impl Into<String>) -> Self {
        Self { id: id.into(), token: token.into() }
    }
}
