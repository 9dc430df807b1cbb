//! Errors of the certificates. Each message says what to correct.

use std::io;
use std::path::{Path, PathBuf};

use crate::domain::error_text::io_reason;
use crate::postgres::ClusterError;

/// Why HTTPS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{given} needs {missing}: give both files, or --tls for a certificate of the emulator's own authority")]
    OneFile { given: &'static str, missing: &'static str },
    #[error("no home directory was found for the authority of --tls. Choose a directory with --data-dir")]
    NoHome,
    #[error("cannot read {}: {}. Correct {option}, or leave it out", .path.display(), io_reason(.error))]
    Read { option: &'static str, path: PathBuf, error: io::Error },
    #[error("{} contains no certificate in PEM form (BEGIN CERTIFICATE). Correct --tls-cert", .path.display())]
    NoCertificate { path: PathBuf },
    #[error(
        "{} contains no private key in PEM form without a password (PKCS#8, PKCS#1 or SEC1). Correct --tls-key", .path.display()
    )]
    NoKey { path: PathBuf },
    #[error("the certificate in {} cannot be used: {error}. Correct --tls-cert", .path.display())]
    UnusableCertificate { path: PathBuf, error: rustls::Error },
    #[error("the private key in {} cannot be used: {error}. Correct --tls-key", .path.display())]
    UnusableKey { path: PathBuf, error: rustls::Error },
    #[error(
        "the private key in {} does not belong to the first certificate in {}. Give the two files of one certificate",
        .key.display(), .certificate.display()
    )]
    OtherKey { certificate: PathBuf, key: PathBuf },
    #[error(
        "{} is not the certificate of an authority with the key in {}. \
         Remove both files; the next start creates a new authority", .certificate.display(), .key.display()
    )]
    BrokenAuthority { certificate: PathBuf, key: PathBuf },
    #[error(
        "tls-ca prints the emulator's own authority, which is not used with --tls-cert. Trust the issuer of that certificate"
    )]
    GivenCertificate,
    #[error(transparent)]
    Directory(#[from] ClusterError),
    #[error("cannot use {}: {}. Correct this, or choose another --data-dir", .path.display(), io_reason(.error))]
    Io { path: PathBuf, error: io::Error },
    #[error("failed to create a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("TLS cannot be initialised: {0}")]
    Tls(#[from] rustls::Error),
}

impl TlsError {
    /// Returns a function that adds the path to an I/O error.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { path, error }
    }
}
