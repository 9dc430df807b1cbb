//! HTTPS on the port of HTTP, by real handshakes on real sockets.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get as on_get;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ALL_VERSIONS, ClientConfig, RootCertStore, SupportedProtocolVersion};
use voucherify_emulator::domain::local_host::HostPattern;
use voucherify_emulator::http::ConnectionLimits;
use voucherify_emulator::tls::{CertificateSource, Tls};

use super::{Connection, Served};

mod ends;
mod faults;
mod handshake;
mod limits;
mod urls;

/// A connection over TLS.
type SecureConnection = Connection<TlsStream<TcpStream>>;

/// A server that also speaks TLS, and a client that trusts its authority.
struct Secured {
    served: Served,
    roots: RootCertStore,
    client: ClientConfig,
}

fn load_tls(hosts: &[&str]) -> Tls {
    let hosts: Vec<_> = hosts.iter().map(|host| HostPattern::parse(host).unwrap()).collect();
    Tls::load(&CertificateSource::Memory, SocketAddr::from(([127, 0, 0, 1], 8682)), &hosts).unwrap()
}

/// Returns the authority of a server as the only one that a client trusts.
fn roots_of(tls: &Tls) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let pem = tls.authority.as_ref().unwrap().pem();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    roots
}

/// Returns the configuration of a client that trusts these authorities and speaks these versions.
fn client_of(roots: RootCertStore, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

impl Secured {
    async fn new(router: Router, limits: ConnectionLimits) -> Self {
        Self::with_hosts(router, limits, &[]).await
    }

    async fn with_hosts(router: Router, limits: ConnectionLimits, hosts: &[&str]) -> Self {
        let tls = load_tls(hosts);
        let (served, roots) = (Served::with(router, limits, Some(&tls)).await, roots_of(&tls));
        Self { served, client: client_of(roots.clone(), ALL_VERSIONS), roots }
    }

    async fn connect(&self) -> SecureConnection {
        self.connect_as("localhost", self.client.clone()).await.unwrap()
    }

    /// Makes a handshake with a server of that name.
    async fn connect_as(&self, name: &str, client: ClientConfig) -> std::io::Result<SecureConnection> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = TcpStream::connect(self.served.address).await.unwrap();
        Ok(Connection::new(TlsConnector::from(Arc::new(client)).connect(name, stream).await?))
    }
}

/// A router with a quick answer.
fn router() -> Router {
    Router::new().route("/quick", on_get(|| async { "quick" }))
}
