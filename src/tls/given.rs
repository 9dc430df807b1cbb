//! A certificate and a key that the user gives in files.

use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::error::TlsError;
use super::provider::provider;

/// Reads a chain of certificates, of which the first is that of the server, and its key.
///
/// # Errors
/// When a file cannot be read or has another content, and when the key is not that of the first certificate.
pub fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let no_certificate = || TlsError::NoCertificate { path: certificate.to_owned() };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|error| explain("--tls-cert", certificate, error, no_certificate()))?;
    if chain.is_empty() {
        return Err(no_certificate());
    }
    let no_key = || TlsError::NoKey { path: key.to_owned() };
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| explain("--tls-key", key, error, no_key()))?;
    let provider = provider();
    let private = provider.key_provider.load_private_key(private);
    let private = private.map_err(|error| TlsError::UnusableKey { path: key.to_owned(), error })?;
    let certified = CertifiedKey::new(chain, private);
    match certified.keys_match() {
        // The provider does not know the public key of some keys.
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(certified),
        Err(Error::InconsistentKeys(_)) => {
            Err(TlsError::OtherKey { certificate: certificate.to_owned(), key: key.to_owned() })
        }
        Err(error) => Err(TlsError::UnusableCertificate { path: certificate.to_owned(), error }),
    }
}

/// Returns the error of a file that could not be read, or `wrong_content` for one that could.
fn explain(option: &'static str, path: &Path, error: pem::Error, wrong_content: TlsError) -> TlsError {
    match error {
        pem::Error::Io(error) => TlsError::Read { option, path: path.to_owned(), error },
        _ => wrong_content,
    }
}
