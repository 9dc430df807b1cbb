//! The emulator inside a Rust test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::app::{Server, StartError};
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_APP_ID, DEFAULT_APP_TOKEN, Storage};
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
        Builder {
            config: Config {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                storage: Storage::Private(Durability::Ephemeral),
                strict_auth: false,
                app_id: DEFAULT_APP_ID.to_owned(),
                app_token: DEFAULT_APP_TOKEN.to_owned(),
                rate_limit: None,
                request_timeout: Duration::from_secs(30),
                connections: 8,
            },
            clock: Clock::System,
        }
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
        self.config.app_id = app_id.into();
        self.config.app_token = app_token.into();
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
