//! Runs the emulator inside a Rust test, and controls its projects.

mod clock_control;
mod fault_control;
mod project;
mod request_control;

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::app::{Server, StartError};
use crate::clock::Clock;
use crate::config::{Config, KeyPair, Storage};
use crate::domain::database_schema::DatabaseSchema;
use crate::domain::local_host::HostPattern;
use crate::postgres::Durability;
use crate::service::Error;
use crate::service::state::default_project;
use crate::tls::{Authority, CertificateSource};
use crate::trace::Endpoint;

pub use self::clock_control::ClockControl;
pub use self::fault_control::FaultControl;
pub use self::project::Project;
pub use self::request_control::RequestControl;
pub use crate::domain::fault::{ConnectionFault, Delay, DeliveryFault, Fault, FaultRule, HitSchedule, RequestFault};
pub use crate::domain::logged_request::{LoggedRequest, RequestFilter, StatusFilter};
pub use crate::domain::project_clock::ProjectClock;
pub use crate::domain::project_counts::ProjectCounts;
pub use crate::service::clock::ClockReading;
pub use crate::service::reset::Kept;

/// A running emulator, the same server that the program starts. Dropping it stops the server.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use voucherify_emulator::Emulator;
///
/// let emulator = Emulator::builder().ephemeral().start().await?;
/// assert!(emulator.url().starts_with("http://127.0.0.1:"));
/// let project = emulator.new_project().await?;
/// // ... point the code under test at `emulator.url()`, with the keys `project.app_id()` and `project.app_token()` ...
/// emulator.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Emulator {
    server: Server,
    server_keys: KeyPair,
    client_keys: KeyPair,
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

    /// Returns the base URL of HTTPS, with [`Builder::tls`].
    #[must_use]
    pub fn https_url(&self) -> Option<&str> {
        self.server.tls().map(|tls| tls.url.as_str())
    }

    /// Returns the certificate in PEM form that a client must trust to use [`Emulator::https_url`].
    #[must_use]
    pub fn tls_ca(&self) -> Option<&str> {
        self.server.tls()?.authority.as_deref().map(Authority::pem)
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Creates a project of its own for a test. It is empty, or starts with the template, and its keys are accepted also with
    /// [`Builder::strict_auth`].
    ///
    /// # Errors
    /// Returns an error when the database fails.
    pub async fn new_project(&self) -> Result<Project, Error> {
        let (id, keys) = self.server.create_project().await?;
        let keys = KeyPair::new(keys.id, keys.token);
        Ok(Project::new(self.server.core(), id, self.url(), keys.clone(), keys))
    }

    /// Returns the default project, whose keys are those of [`Builder::keys`] and [`Builder::client_keys`].
    ///
    /// # Errors
    /// Returns [`Error::AccessRevoked`] when the project was deleted, and an error when the database fails.
    pub async fn default_project(&self) -> Result<Project, Error> {
        let core = self.server.core();
        let caller = default_project(&core, &self.server_keys.id).await?.ok_or(Error::AccessRevoked)?;
        Ok(Project::new(core, caller.project, self.url(), self.server_keys.clone(), self.client_keys.clone()))
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

    /// Keeps everything in this schema of the database of [`Builder::database_url`]. See the option `--database-schema`.
    #[must_use]
    pub fn database_schema(mut self, schema: DatabaseSchema) -> Self {
        self.config.database_schema = schema;
        self
    }

    /// Fails where no PostgreSQL is installed, instead of fetching it. See the option `--no-download`.
    #[must_use]
    pub fn no_download(mut self) -> Self {
        self.config.programs.source = None;
        self
    }

    /// Listens on `address` instead of a free port of the loopback address.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.config.listen = address.into();
        self
    }

    /// Serves HTTPS besides HTTP on the same port, with a certificate for `localhost`, the loopback addresses and the hosts of
    /// [`Builder::allow_host`]. Its authority exists only as long as the emulator: see [`Emulator::tls_ca`].
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.config.tls = Some(CertificateSource::Memory);
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

    /// Keeps the last `requests` requests of each project in the request log, in place of 200. With 0, it is off.
    #[must_use]
    pub fn request_log(mut self, requests: usize) -> Self {
        self.config.request_log = requests;
        self
    }

    /// Sends traces to the collector of OpenTelemetry at `endpoint`, which accepts OTLP over HTTP.
    #[must_use]
    pub fn otlp_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.config.otlp_endpoint = Some(endpoint);
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

    /// Starts the emulator, and returns when it answers requests. Where no PostgreSQL is installed, it is fetched first.
    ///
    /// # Errors
    /// Returns an error when the address is in use or no database is available.
    pub async fn start(self) -> Result<Emulator, StartError> {
        let server = Server::start(&self.config, self.clock).await?;
        let Config { server_keys, client_keys, .. } = self.config;
        Ok(Emulator { server, server_keys, client_keys })
    }
}
