//! Asks a running emulator whether it is healthy, for the health checks of containers without `curl`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::StatusCode;

/// How long the emulator may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why an emulator is not healthy.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    #[error("the emulator at {url} cannot be reached: {error}")]
    Unreachable { url: String, error: String },
    #[error("the emulator at {url} answered {status}: {body}")]
    Unhealthy { url: String, status: StatusCode, body: String },
    #[error("the request could not be prepared: {0}")]
    Client(reqwest::Error),
}

/// Asks the emulator at the base URL `url`, or the one that listens on `listen`, and returns its answer.
///
/// # Errors
/// Returns an error when the emulator cannot be reached, or answers another status than 200.
pub async fn health(url: Option<&str>, listen: SocketAddr) -> Result<String, HealthError> {
    let base = url.map_or_else(|| local_url(listen), |url| url.trim_end_matches('/').to_owned());
    let url = format!("{base}/_emulator/health");
    // The client needs a provider of TLS and no root certificates: the emulator answers HTTP on its port in any case. This fails
    // if a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A proxy of the environment does not reach the emulator of this machine.
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(TIMEOUT).build();
    let client = client.map_err(HealthError::Client)?;
    let unreachable = |error: reqwest::Error| HealthError::Unreachable { url: base.clone(), error: cause(&error) };
    let response = client.get(&url).send().await.map_err(unreachable)?;
    let status = response.status();
    let body = response.text().await.map_err(unreachable)?;
    if status == StatusCode::OK { Ok(body) } else { Err(HealthError::Unhealthy { url: base, status, body }) }
}

/// Returns the innermost cause of an error, which is the most specific, without the number that the operating system gives it.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

/// Returns the base URL of an emulator of this machine. One that listens on every address is asked on the loopback address.
fn local_url(listen: SocketAddr) -> String {
    let address = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        address => address,
    };
    format!("http://{}", SocketAddr::new(address, listen.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emulator_on_every_address_is_asked_on_the_loopback_address() {
        for (listen, expected) in [
            ("0.0.0.0:8682", "http://127.0.0.1:8682"),
            ("[::]:80", "http://[::1]:80"),
            ("192.0.2.7:1", "http://192.0.2.7:1"),
        ] {
            assert_eq!(local_url(listen.parse().unwrap()), expected);
        }
    }
}
