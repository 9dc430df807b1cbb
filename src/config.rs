//! The configuration of a server, and the command line from which the program makes it.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::domain::built_in_keys::is_built_in_pair;
use crate::domain::database_schema::DatabaseSchema;
use crate::domain::local_host::HostPattern;
use crate::http::ConnectionLimits;
use crate::postgres::{Durability, Programs, Source};
use crate::tls::CertificateSource;
use crate::trace::Endpoint;

mod key_pair;
mod listen;
mod options;
mod paths;

pub use key_pair::KeyPair;
pub use listen::{Listen, ListenHost};
pub use options::{Cli, Command, LogFormat, LogOptions, Options, OptionsError};

pub use crate::domain::built_in_keys::{
    DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN, DEFAULT_MANAGEMENT_ID,
    DEFAULT_MANAGEMENT_TOKEN,
};

/// How many requests of each project the request log keeps by default.
const DEFAULT_REQUEST_LOG: u32 = 200;

/// The database that stores the emulator's state.
#[derive(Clone, PartialEq, Eq)]
pub enum Storage {
    /// A running PostgreSQL, by URL.
    Url(String),
    /// A private PostgreSQL.
    Private(Durability),
}

impl fmt::Debug for Storage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The URL may contain a password.
            Self::Url(_) => formatter.write_str("Url(..)"),
            Self::Private(durability) => formatter.debug_tuple("Private").field(durability).finish(),
        }
    }
}

/// Where the tables are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TablePlacement {
    /// Where they are: on the server of the database, unless they were distributed before.
    OneServer,
    /// Over the servers of a Citus cluster, where the database has Citus.
    Distributed,
}

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: Listen,
    /// The hosts that requests may name in addition to addresses and local hosts.
    pub allowed_hosts: Vec<HostPattern>,
    /// Where the certificate for HTTPS comes from; `None` when HTTPS is not served.
    pub tls: Option<CertificateSource>,
    pub storage: Storage,
    /// The schema of the database of [`Storage::Url`] that holds everything of the emulator. A private PostgreSQL has the default one.
    pub database_schema: DatabaseSchema,
    /// The directory of this program in the user's cache directory, for what makes the start of an ephemeral emulator
    /// faster; `None` where there is no home directory.
    pub cache_dir: Option<PathBuf>,
    /// The directory of the templates of ephemeral databases that the installation brings, which may not exist.
    pub shared_templates: Option<PathBuf>,
    /// Where the programs of the private PostgreSQL are found.
    pub programs: Programs,
    /// The state document that is loaded into the default project at the start, if that project is empty.
    pub state: Option<PathBuf>,
    /// The state document with which every auto-provisioned project starts.
    pub template: Option<PathBuf>,
    pub strict_auth: bool,
    /// Whether every project is strict, and what belongs to no project too.
    pub strict: bool,
    /// Server key of the default project.
    pub server_keys: KeyPair,
    /// Client key of the default project.
    pub client_keys: KeyPair,
    /// Management key of the default organisation.
    pub management_keys: KeyPair,
    pub webhooks: WebhookConfig,
    pub rate_limit: Option<u32>,
    /// Whether the console is served.
    pub console: bool,
    /// How many requests of each project the request log keeps; 0 turns it off.
    pub request_log: usize,
    pub request_timeout: Duration,
    pub connections: u32,
    /// Where the tables are placed at the start.
    pub tables: TablePlacement,
    /// Limits of the connections of clients. They have no options.
    pub connection_limits: ConnectionLimits,
    /// The collector that receives traces.
    pub otlp_endpoint: Option<Endpoint>,
}

/// Configuration of webhook deliveries.
#[derive(Clone, Copy, Debug)]
pub struct WebhookConfig {
    /// How many times faster than the vendor failed deliveries are retried.
    pub retry_speed: u32,
    /// Whether link-local targets and the metadata services of clouds are allowed.
    pub allow_link_local: bool,
}

impl Default for Config {
    /// An ephemeral emulator on a free port, with the default keys.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into(),
            allowed_hosts: Vec::new(),
            tls: None,
            storage: Storage::Private(Durability::Ephemeral),
            database_schema: DatabaseSchema::default(),
            cache_dir: paths::cache_dir(),
            shared_templates: paths::shared_templates(),
            programs: Programs {
                copies: paths::program_cache_dir(),
                source: Some(Source::default()),
                ..Programs::default()
            },
            state: None,
            template: None,
            strict_auth: false,
            strict: false,
            server_keys: KeyPair::new(DEFAULT_APP_ID, DEFAULT_APP_TOKEN),
            client_keys: KeyPair::new(DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN),
            management_keys: KeyPair::new(DEFAULT_MANAGEMENT_ID, DEFAULT_MANAGEMENT_TOKEN),
            webhooks: WebhookConfig { retry_speed: 1, allow_link_local: false },
            rate_limit: None,
            console: true,
            request_log: entries(DEFAULT_REQUEST_LOG),
            request_timeout: Duration::from_secs(30),
            connections: 8,
            tables: TablePlacement::OneServer,
            connection_limits: ConnectionLimits::default(),
            otlp_endpoint: None,
        }
    }
}

impl Config {
    /// Returns the options whose keys are built in, which everybody knows.
    #[must_use]
    pub fn options_with_built_in_keys(&self) -> Vec<&'static str> {
        [
            ("--app-id", &self.server_keys),
            ("--client-app-id", &self.client_keys),
            ("--management-id", &self.management_keys),
        ]
        .into_iter()
        .filter_map(|(option, pair)| is_built_in_pair(&pair.id, &pair.token).then_some(option))
        .collect()
    }
}

fn entries(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
