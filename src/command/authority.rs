//! Prints the emulator's own authority for HTTPS.

use crate::config::Options;
use crate::tls::{Authority, CertificateSource, TlsError};

/// Returns the certificate of the authority that the server uses with these options and `--tls`, in PEM form. The authority is created if
/// there is none.
///
/// # Errors
/// Returns an error when the authority cannot be read or created, or another certificate is given.
pub fn authority(options: &Options) -> Result<String, TlsError> {
    if let Some(CertificateSource::Files { .. }) = options.tls.source(&options.data)? {
        return Err(TlsError::GivenCertificate);
    }
    Ok(Authority::of_data_directory(&options.data.authority_directory()?)?.pem().to_owned())
}
