//! The keys that are built into the program. They are published, so everybody knows them.

use sha2::{Digest, Sha256};

/// ID of the default project's server key: the public demo key of the vendor's documentation.
pub const DEFAULT_APP_ID: &str = "c70a6f00-cf91-4756-9df5-47628850002b";
/// Token of [`DEFAULT_APP_ID`].
pub const DEFAULT_APP_TOKEN: &str = "3266b9f8-e246-4f79-bdf0-833929b1380c";
/// ID of the default project's client key.
pub const DEFAULT_CLIENT_APP_ID: &str = "5c1e7d0a-93b4-4e6f-8a27-0d6f4b9c2e11";
/// Token of [`DEFAULT_CLIENT_APP_ID`].
pub const DEFAULT_CLIENT_TOKEN: &str = "e2a94f70-6b18-4c3d-9f05-7183d5c6ba24";
/// ID of the default organisation's management key.
pub const DEFAULT_MANAGEMENT_ID: &str = "8f3b6c92-1d7e-4a50-b6e8-25c90fa4d733";
/// Token of [`DEFAULT_MANAGEMENT_ID`].
pub const DEFAULT_MANAGEMENT_TOKEN: &str = "d047a1e5-c26f-4b89-9a3c-6e51f8b20d46";

/// The pairs of all families. A pair is public in every family, because a pair that is not configured can be auto-provisioned.
const PAIRS: [(&str, &str); 3] = [
    (DEFAULT_APP_ID, DEFAULT_APP_TOKEN),
    (DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN),
    (DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN),
];

/// Returns whether the pair with this id and the digest of this token is built in. A built-in id with another token is not.
#[must_use]
pub fn is_built_in(id: &str, token_sha256: &[u8]) -> bool {
    PAIRS.iter().any(|(known, token)| *known == id && Sha256::digest(token).as_slice() == token_sha256)
}

/// Returns whether the pair with this id and this token is built in.
#[must_use]
pub fn is_built_in_pair(id: &str, token: &str) -> bool {
    PAIRS.contains(&(id, token))
}
