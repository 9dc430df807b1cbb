//! HTTPS: the certificate of the server, and the authority that issues it.
//!
//! * `authority` is the emulator's own authority, which a client trusts once. Every start issues a new certificate with it
//!   (`issued`), so that the certificate has the host names of that start.
//! * `given` reads a certificate and a key of the user.

mod authority;
mod error;
mod given;
mod issued;
mod provider;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::ResolvesServerCert;
use rustls::sign::SingleCertAndKey;

pub use authority::Authority;
pub use error::TlsError;

use crate::domain::local_host::HostPattern;
use issued::IssuedCertificate;
use provider::provider;

/// The protocol above TLS. HTTP/2 is not served.
const PROTOCOL: &[u8] = b"http/1.1";

/// Where the certificate of the server comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// The authority in this data directory issues it.
    DataDirectory(PathBuf),
    /// An authority issues it that exists only as long as the process.
    Memory,
    /// The user gives a chain of certificates and the key of the first one, in files.
    Files { certificate: PathBuf, key: PathBuf },
}

/// What a server needs for HTTPS.
#[derive(Clone, Debug)]
pub struct Tls {
    pub config: Arc<ServerConfig>,
    /// The base URL. Its host is `localhost` where that reaches the server, because a certificate of the user may not name the address.
    pub url: String,
    /// The emulator's own authority, if it has issued the certificate.
    pub authority: Option<Arc<Authority>>,
}

impl Tls {
    /// Loads or creates the certificate of a server that listens on `address` and is reached by `hosts`.
    ///
    /// # Errors
    /// When a file cannot be read, or has not the content that it should have.
    pub fn load(source: &CertificateSource, address: SocketAddr, hosts: &[HostPattern]) -> Result<Self, TlsError> {
        let url = url(address);
        let authority = match source {
            CertificateSource::Files { certificate, key } => {
                let certificate = SingleCertAndKey::from(given::load(certificate, key)?);
                return Ok(Self { config: server_config(Arc::new(certificate))?, url, authority: None });
            }
            CertificateSource::DataDirectory(data) => Authority::of_data_directory(data)?,
            CertificateSource::Memory => Authority::in_memory()?,
        };
        let authority = Arc::new(authority);
        let certificate = IssuedCertificate::new(Arc::clone(&authority), names(address.ip(), hosts))?;
        Ok(Self { config: server_config(Arc::new(certificate))?, url, authority: Some(authority) })
    }

    /// Logs where HTTPS is served, and which authority clients must trust.
    pub fn log(&self) {
        let url = &self.url;
        if let Some(path) = self.authority.as_ref().and_then(|authority| authority.path()) {
            let path = path.display();
            tracing::info!("also on {url} for clients that trust {path}, which `voucherify-emulator tls-ca` prints");
        } else {
            tracing::info!("also on {url}");
        }
    }
}

/// Returns the base URL of a server that listens on `address`.
fn url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip() == Ipv4Addr::LOCALHOST {
        format!("https://localhost:{}", address.port())
    } else {
        format!("https://{address}")
    }
}

fn server_config(certificate: Arc<dyn ResolvesServerCert>) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Arc::new(config))
}

/// Returns the names and addresses by which clients can reach a server.
fn names(address: IpAddr, hosts: &[HostPattern]) -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let own = Some(address.to_canonical()).filter(|address| !address.is_unspecified() && !loopback.contains(address));
    names.extend(loopback.into_iter().chain(own).map(|address| address.to_string()));
    for name in hosts.iter().flat_map(HostPattern::certificate_names) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(address: &str, hosts: &[&str]) -> Vec<String> {
        let hosts: Vec<_> = hosts.iter().map(|host| HostPattern::parse(host).unwrap()).collect();
        names(address.parse().unwrap(), &hosts)
    }

    #[test]
    fn the_url_names_the_host_that_a_certificate_names() {
        for (address, expected) in [
            ("127.0.0.1:1", "https://localhost:1"),
            ("0.0.0.0:1", "https://localhost:1"),
            ("[::]:1", "https://localhost:1"),
            ("[::1]:1", "https://[::1]:1"),
            ("192.0.2.1:1", "https://192.0.2.1:1"),
        ] {
            assert_eq!(url(address.parse().unwrap()), expected);
        }
    }

    #[test]
    fn a_certificate_names_local_addresses_the_own_address_and_the_allowed_hosts() {
        let local = ["localhost", "127.0.0.1", "::1"];
        assert_eq!(names_of("127.0.0.1", &[]), local);
        assert_eq!(names_of("::", &["localhost"]), local);
        assert_eq!(names_of("::ffff:10.0.0.1", &[]), [&local[..], &["10.0.0.1"]].concat());
        let hosts = names_of("0.0.0.0", &["emulator", ".shop.example", "shop.example"]);
        assert_eq!(hosts, [&local[..], &["emulator", "shop.example", "*.shop.example"]].concat());
    }
}
