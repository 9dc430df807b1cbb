//! The cryptography that TLS uses.

use rustls::crypto::{CryptoProvider, ring};

/// Returns the provider of cryptography.
pub fn provider() -> CryptoProvider {
    ring::default_provider()
}
