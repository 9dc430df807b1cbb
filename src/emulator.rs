//! Runs the emulator inside a Rust test.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::app::{Server, StartError};
use crate::clock::Clock;
use crate::config::{Config, KeyPair, Storage};
use crate::domain::local_host::HostPattern;
use crate::postgres::Durability;

/// A running emulator, the same server that the program starts. Dropping it stops the server.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use voucherify_emulator::Emulator;
///
/// let emulator = Emulator::builder().ephemeral().start().await?;
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
/// // ... point the code under test at `emulator.url()` ...
/// emulator.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Emulator {
    server: Server,
}

/// Configures and starts an [`Emulator`], which is ephemeral by default.
#[derive(Clone, Debug)]
pub struct Builder {
    config: Config,
    clock: Clock,
}

impl Emulator {
    /// Returns a builder. Its defaults are ephemeral storage and a free port.
    #[must_use]
    pub fn builder() -> Builder {
        Builder { config: Config::default(), clock: Clock::System }
    }

    /// Returns the base URL to configure SDKs with.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stops the server gracefully: requests in flight finish.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Builder {
    /// Stores the state in a private PostgreSQL in a temporary directory, which is deleted at the end.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.config.storage = Storage::Private(Durability::Ephemeral);
        self
    }

    /// Stores the state in a private PostgreSQL in `directory`.
    #[must_use]
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.config.storage = Storage::Private(Durability::Persistent(directory.into()));
        self
    }

    /// Stores the state in the running PostgreSQL at `url`.
    #[must_use]
    pub fn database_url(mut self, url: impl Into<String>) -> Self {
        self.config.storage = Storage::Url(url.into());
        self
    }

    /// Listens on `address` instead of a free port of the loopback address.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.config.listen = address;
        self
    }

    /// Answers requests to this host in addition to addresses and local hosts. See the option `--allowed-hosts`.
    #[must_use]
    pub fn allow_host(mut self, host: HostPattern) -> Self {
        self.config.allowed_hosts.push(host);
        self
    }

    /// Loads a state document into the default project, if that project is empty.
    #[must_use]
    pub fn state(mut self, file: impl Into<PathBuf>) -> Self {
        self.config.state = Some(file.into());
        self
    }

    /// Lets every project that its first request creates start with a state document.
    #[must_use]
    pub fn template(mut self, file: impl Into<PathBuf>) -> Self {
        self.config.template = Some(file.into());
        self
    }

    /// Accepts only configured and created keys.
    #[must_use]
    pub fn strict_auth(mut self) -> Self {
        self.config.strict_auth = true;
        self
    }

    /// Refuses what the vendor ignores and the emulator otherwise forgives, in every project. See the option `--strict`.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.config.strict = true;
        self
    }

    /// Sets the server key of the default project.
    #[must_use]
    pub fn keys(mut self, app_id: impl Into<String>, app_token: impl Into<String>) -> Self {
        self.config.server_keys = KeyPair::new(app_id, app_token);
        self
    }

    /// Sets the client key of the default project.
    #[must_use]
    pub fn client_keys(mut self, app_id: impl Into<String>, token: impl Into<String>) -> Self {
        self.config.client_keys = KeyPair::new(app_id, token);
        self
    }

    /// Sets the management key.
    #[must_use]
    pub fn management_keys(mut self, id: impl Into<String>, token: impl Into<String>) -> Self {
        self.config.management_keys = KeyPair::new(id, token);
        self
    }

    /// Retries failed webhooks `times` times faster than the vendor.
    #[must_use]
    pub fn webhook_retry_speed(mut self, times: u32) -> Self {
        self.config.webhooks.retry_speed = times.max(1);
        self
    }

    /// Reads the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Starts the emulator, and returns when it answers requests.
    ///
    /// # Errors
    /// Returns an error when the address is in use or no database is available.
    pub async fn start(self) -> Result<Emulator, StartError> {
        Ok(Emulator { server: Server::start(&self.config, self.clock).await? })
    }
}
