//! The emulator inside a Rust test.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::app::{Server, StartError};
use crate::clock::Clock;
use crate::config::{Config, KeyPair, Storage};
use crate::postgres::Durability;

/// A running emulator: the same server that the program starts. Dropping it stops it.
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

/// Says how an [`Emulator`] is started. Without a word on storage it is ephemeral.
#[derive(Clone, Debug)]
pub struct Builder {
    config: Config,
    clock: Clock,
}

impl Emulator {
    /// An ephemeral emulator on a free port, unless the builder is told otherwise.
    #[must_use]
    pub fn builder() -> Builder {
        Builder { config: Config::default(), clock: Clock::System }
    }

    /// What SDKs are given as their base URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stops it in good order: requests in flight finish.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Builder {
    /// Keeps the state in a private PostgreSQL in a temporary directory, gone at the end.
    #[must_use]
    pub fn ephemeral(mut self) -> Self {
        self.config.storage = Storage::Private(Durability::Ephemeral);
        self
    }

    /// Keeps the state in a private PostgreSQL in that directory.
    #[must_use]
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.config.storage = Storage::Private(Durability::Kept(directory.into()));
        self
    }

    /// Keeps the state in a PostgreSQL that runs somewhere.
    #[must_use]
    pub fn database_url(mut self, url: impl Into<String>) -> Self {
        self.config.storage = Storage::Url(url.into());
        self
    }

    /// Listens there instead of on a free port of the loopback address.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.config.listen = address;
        self
    }

    /// Accepts only configured keys.
    #[must_use]
    pub fn strict_auth(mut self) -> Self {
        self.config.strict_auth = true;
        self
    }

    /// The server keys of the default project.
    #[must_use]
    pub fn keys(mut self, app_id: impl Into<String>, app_token: impl Into<String>) -> Self {
        self.config.server_keys = KeyPair::new(app_id, app_token);
        self
    }

    /// The client keys of the default project.
    #[must_use]
    pub fn client_keys(mut self, app_id: impl Into<String>, token: impl Into<String>) -> Self {
        self.config.client_keys = KeyPair::new(app_id, token);
        self
    }

    /// The management keys.
    #[must_use]
    pub fn management_keys(mut self, id: impl Into<String>, token: impl Into<String>) -> Self {
        self.config.management_keys = KeyPair::new(id, token);
        self
    }

    /// Tries failed webhooks again so many times faster than the vendor.
    #[must_use]
    pub fn webhook_retry_speed(mut self, times: u32) -> Self {
        self.config.webhooks.retry_speed = times.max(1);
        self
    }

    /// Tells the time by that clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Starts it, and returns when it answers requests.
    ///
    /// # Errors
    /// When the address is taken or there is no database to be had.
    pub async fn start(self) -> Result<Emulator, StartError> {
        Ok(Emulator { server: Server::start(&self.config, self.clock).await? })
    }
}
