//! The certificate that the emulator's authority issues for the running server.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::authority::Authority;
use super::error::TlsError;
use crate::clock::Clock;

/// How long a certificate is valid. Apple's systems accept no more than 825 days.
const VALIDITY: Duration = Duration::from_hours(90 * 24);
/// The age at which a certificate is replaced.
const RENEWAL_AGE: Duration = Duration::from_hours(60 * 24);

/// The certificate of a server. It is replaced before it expires.
#[derive(Debug)]
pub struct IssuedCertificate {
    authority: Arc<Authority>,
    names: Vec<String>,
    current: RwLock<Current>,
}

#[derive(Debug)]
struct Current {
    certified: Arc<CertifiedKey>,
    issued_at: DateTime<Utc>,
}

impl IssuedCertificate {
    /// Issues a certificate for these names and addresses.
    ///
    /// # Errors
    /// When no certificate can be created.
    pub fn new(authority: Arc<Authority>, names: Vec<String>) -> Result<Self, TlsError> {
        let current = RwLock::new(Current::issue(&authority, &names, Clock::System.now())?);
        Ok(Self { authority, names, current })
    }

    /// Returns the certificate to use at a time.
    fn at(&self, now: DateTime<Utc>) -> Arc<CertifiedKey> {
        {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            if !current.is_old(now) {
                return Arc::clone(&current.certified);
            }
        }
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.is_old(now) {
            match Current::issue(&self.authority, &self.names, now) {
                Ok(issued) => *current = issued,
                Err(error) => tracing::error!(%error, "failed to renew the certificate"),
            }
        }
        Arc::clone(&current.certified)
    }
}

impl Current {
    fn issue(authority: &Authority, names: &[String], now: DateTime<Utc>) -> Result<Self, TlsError> {
        Ok(Self { certified: Arc::new(authority.issue(names, now, VALIDITY)?), issued_at: now })
    }

    fn is_old(&self, now: DateTime<Utc>) -> bool {
        (now - self.issued_at).to_std().is_ok_and(|age| age >= RENEWAL_AGE)
    }
}

impl ResolvesServerCert for IssuedCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.at(Clock::System.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_replaced_before_it_expires() {
        let authority = Arc::new(Authority::in_memory().unwrap());
        let issued = IssuedCertificate::new(authority, vec!["localhost".to_owned()]).unwrap();
        let now = Clock::System.now();
        let first = issued.at(now);
        assert!(Arc::ptr_eq(&first, &issued.at(now + Duration::from_hours(59 * 24))));
        let second = issued.at(now + RENEWAL_AGE);
        assert_ne!(first.cert, second.cert);
        assert!(Arc::ptr_eq(&second, &issued.at(now + RENEWAL_AGE)));
    }
}
