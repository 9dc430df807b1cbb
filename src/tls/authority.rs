//! The emulator's own certificate authority, which issues the certificates of its servers.
//!
//! Its key and its certificate are two files. The key is stored first, and the certificate is made from the stored key, so several
//! starts at the same time end with the same two files. Everything else in the certificate follows from the key, so the authority can
//! issue certificates without reading its own.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::error::TlsError;
use super::provider::provider;
use crate::clock::Clock;
use crate::postgres::tls_directory;

/// Name of the file with the key of the authority.
const KEY: &str = "ca-key.pem";
/// Name of the file with the certificate of the authority.
const CERTIFICATE: &str = "ca.pem";
/// How long the certificate of the authority is valid: about ten years.
const VALIDITY: Duration = Duration::from_hours(10 * 365 * 24);
/// How long before its creation a certificate is valid, because the clock of a client may be slow.
const CLOCK_TOLERANCE: Duration = Duration::from_hours(24);

/// A certificate authority.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// The file with the certificate; `None` for an authority that is only in memory.
    path: Option<PathBuf>,
}

impl Authority {
    /// Returns the authority that is kept in a data directory, and creates it if there is none.
    ///
    /// # Errors
    /// When the files cannot be read or written, do not belong together, or belong to another user.
    pub fn of_data_directory(data: &Path) -> Result<Self, TlsError> {
        let directory = tls_directory(data)?;
        let (key_path, path) = (directory.join(KEY), directory.join(CERTIFICATE));
        let key = stored(&key_path, 0o600, || Ok(KeyPair::generate()?.serialize_pem()))?;
        let broken = || TlsError::BrokenAuthority { certificate: path.clone(), key: key_path.clone() };
        let key = KeyPair::from_pem(&key).map_err(|_| broken())?;
        let parameters = parameters(&key);
        let pem = stored(&path, 0o644, || Ok(parameters.self_signed(&key)?.pem()))?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| broken())?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        CertifiedKey::from_der(vec![certificate], private, &provider()).map_err(|_| broken())?;
        Ok(Self { issuer: Issuer::new(parameters, key), pem, path: Some(path) })
    }

    /// Creates an authority that exists only as long as the process.
    ///
    /// # Errors
    /// When no key can be generated.
    pub fn in_memory() -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let parameters = parameters(&key);
        let pem = parameters.self_signed(&key)?.pem();
        Ok(Self { issuer: Issuer::new(parameters, key), pem, path: None })
    }

    /// Returns the certificate of the authority in PEM form.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns the file with the certificate of the authority, if it is kept.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Issues a certificate of a server with a new key. It is valid for these names and addresses.
    ///
    /// # Errors
    /// When no key can be generated, or a name has characters that no host name has.
    pub fn issue(&self, names: &[String], now: DateTime<Utc>, validity: Duration) -> Result<CertifiedKey, TlsError> {
        let key = KeyPair::generate()?;
        let mut parameters = CertificateParams::new(names)?;
        set_name(&mut parameters, "voucherify-emulator");
        set_validity(&mut parameters, now, validity);
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(CertifiedKey::from_der(vec![certificate.into()], private, &provider())?)
    }
}

/// Returns the content of the certificate of an authority. Only the time in it does not follow from the key.
fn parameters(key: &KeyPair) -> CertificateParams {
    let [a, b, c, d, ..] = Sha256::digest(key.subject_public_key_info()).0;
    let number = u32::from_be_bytes([a, b, c, d]);
    let mut parameters = CertificateParams::default();
    // The number distinguishes authorities in lists of trusted ones.
    set_name(&mut parameters, &format!("voucherify-emulator authority {number:08x}"));
    set_validity(&mut parameters, Clock::System.now(), VALIDITY);
    // It issues certificates of servers, and no authorities.
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters
}

fn set_name(parameters: &mut CertificateParams, name: &str) {
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
}

fn set_validity(parameters: &mut CertificateParams, now: DateTime<Utc>, validity: Duration) {
    let since_1970 = Duration::from_secs(u64::try_from(now.timestamp()).unwrap_or_default());
    let now = date_time_ymd(1970, 1, 1) + since_1970;
    parameters.not_before = now - CLOCK_TOLERANCE;
    parameters.not_after = now + validity;
}

/// Returns the text of a file. A missing file is created whole with the text of `make`; if another process creates it at the same time,
/// the text is that of the other process.
fn stored(path: &Path, mode: u32, make: impl FnOnce() -> Result<String, TlsError>) -> Result<String, TlsError> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read.map_err(TlsError::at(path)),
    }
    let directory = path.parent().unwrap_or(path);
    let mut file = tempfile::Builder::new()
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory)
        .map_err(TlsError::at(directory))?;
    file.write_all(make()?.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(TlsError::at(path))?;
    match file.persist_noclobber(path) {
        Err(failed) if failed.error.kind() != io::ErrorKind::AlreadyExists => Err(TlsError::at(path)(failed.error)),
        _ => fs::read_to_string(path).map_err(TlsError::at(path)),
    }
}
