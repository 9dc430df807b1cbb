//! The options of HTTPS: where the certificate of the server comes from.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::data::{DataOptions, named};
use crate::tls::{CertificateSource, TlsError};

/// The options of HTTPS.
#[derive(Args, Clone)]
#[command(next_help_heading = "HTTPS")]
pub struct TlsOptions {
    /// Serve HTTPS besides HTTP on the same port, with a certificate of the emulator's own authority. The command tls-ca
    /// prints that authority, which clients must trust
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_TLS", value_parser = FalseyValueParser::new())]
    pub tls: bool,

    /// Serve HTTPS with the certificate in this file, in PEM form and followed by those of its issuers
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert, in PEM form without a password
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

impl TlsOptions {
    /// Returns where the certificate comes from; `None` when HTTPS is not served.
    pub fn source(&self, data: &DataOptions) -> Result<Option<CertificateSource>, TlsError> {
        match (named(self.tls_cert.as_ref()), named(self.tls_key.as_ref())) {
            (Some(certificate), Some(key)) => Ok(Some(CertificateSource::Files { certificate, key })),
            (Some(_), None) => Err(TlsError::OneFile { given: "--tls-cert", missing: "--tls-key" }),
            (None, Some(_)) => Err(TlsError::OneFile { given: "--tls-key", missing: "--tls-cert" }),
            (None, None) if self.tls => Ok(Some(CertificateSource::DataDirectory(data.authority_directory()?))),
            (None, None) => Ok(None),
        }
    }
}
