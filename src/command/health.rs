//! Asks a running emulator whether it is healthy, for the health checks of containers without `curl`.

use std::time::Duration;

use reqwest::StatusCode;

use crate::config::Listen;
use crate::domain::error_text::root_cause;

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
pub async fn health(url: Option<&str>, listen: &Listen) -> Result<String, HealthError> {
    let base =
        url.map_or_else(|| format!("http://{}", listen.local_authority()), |url| url.trim_end_matches('/').to_owned());
    let url = format!("{base}/_emulator/health");
    // The client needs a provider of TLS and no root certificates: the emulator answers HTTP on its port in any case. This fails
    // if a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A proxy of the environment does not reach the emulator of this machine.
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(TIMEOUT).build();
    let client = client.map_err(HealthError::Client)?;
    let unreachable = |error: reqwest::Error| HealthError::Unreachable { url: base.clone(), error: root_cause(&error) };
    let response = client.get(&url).send().await.map_err(unreachable)?;
    let status = response.status();
    let body = response.text().await.map_err(unreachable)?;
    if status == StatusCode::OK { Ok(body) } else { Err(HealthError::Unhealthy { url: base, status, body }) }
}
