//! Command-line options: flags, environment variables and defaults.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::built_in_keys::is_built_in_pair;
use crate::domain::local_host::HostPattern;
use crate::http::ConnectionLimits;
use crate::postgres::{ClusterError, Durability};

mod key_pair;

pub use key_pair::KeyPair;

pub use crate::domain::built_in_keys::{
    DEFAULT_APP_ID, DEFAULT_APP_TOKEN, DEFAULT_CLIENT_APP_ID, DEFAULT_CLIENT_TOKEN, DEFAULT_MANAGEMENT_ID,
    DEFAULT_MANAGEMENT_TOKEN,
};

/// How many requests of each project the request log keeps by default.
const DEFAULT_REQUEST_LOG: u32 = 200;

/// A local emulator of Voucherify's customers API.
#[derive(Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub options: Options,
}

/// The command to run; `serve` by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the server
    #[default]
    Serve,
    /// Apply migrations to the database and exit
    Migrate,
}

/// The options of every command. They contain tokens and a password, so they do not implement `Debug`.
#[derive(Args, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Options {
    /// Address and port to listen on; port 0 picks a free port
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_LISTEN", default_value = "127.0.0.1:8682")]
    pub listen: SocketAddr,

    /// Host names by which requests may reach the server in addition to addresses and local names; .shop.example allows all below
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_ALLOWED_HOSTS",
        value_name = "HOSTS",
        value_delimiter = ',',
        value_parser = parse_allowed_host
    )]
    pub allowed_hosts: Vec<Option<HostPattern>>,

    /// URL of a PostgreSQL 13 or later; without it, the emulator runs a private PostgreSQL
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Data directory of the private PostgreSQL [default: the user's data directory]
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Run a private PostgreSQL with fast, non-durable settings in a temporary directory, deleted at exit
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,

    /// State document to load into the default project at the start, if that project is empty
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_STATE", value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// State document with which every project starts that is created by its first request
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_TEMPLATE", value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// Accept only configured and created keys; use it with keys of your own when other machines can reach the server
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_STRICT_AUTH", value_parser = FalseyValueParser::new())]
    pub strict_auth: bool,

    /// Refuse what the vendor ignores and the emulator forgives, for all projects and for what belongs to no project
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_STRICT", value_parser = FalseyValueParser::new())]
    pub strict: bool,

    /// Server key of the default project: X-App-Id
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_APP_ID", default_value = DEFAULT_APP_ID)]
    pub app_id: String,

    /// Server key of the default project: X-App-Token
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_APP_TOKEN",
        default_value = DEFAULT_APP_TOKEN,
        hide_env_values = true
    )]
    pub app_token: String,

    /// Client key of the default project: X-Client-Application-Id
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_CLIENT_APP_ID", default_value = DEFAULT_CLIENT_APP_ID)]
    pub client_app_id: String,

    /// Client key of the default project: X-Client-Token
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_CLIENT_TOKEN",
        default_value = DEFAULT_CLIENT_TOKEN,
        hide_env_values = true
    )]
    pub client_token: String,

    /// Management key: X-Management-Id
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_MANAGEMENT_ID", default_value = DEFAULT_MANAGEMENT_ID)]
    pub management_id: String,

    /// Management key: X-Management-Token
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_MANAGEMENT_TOKEN",
        default_value = DEFAULT_MANAGEMENT_TOKEN,
        hide_env_values = true
    )]
    pub management_token: String,

    /// How many times faster than the vendor to retry a failed webhook: 6000 turns a minute into 10 ms
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_WEBHOOK_RETRY_SPEED",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub webhook_retry_speed: u32,

    /// Allow webhook targets with link-local addresses and those of cloud metadata services, which serve secrets
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_WEBHOOK_ALLOW_LINK_LOCAL",
        value_parser = FalseyValueParser::new()
    )]
    pub webhook_allow_link_local: bool,

    /// Requests per project and minute before the answer is 429 [default: no limit]
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_RATE_LIMIT", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,

    /// Serve no console at /_emulator/console
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_NO_CONSOLE", value_parser = FalseyValueParser::new())]
    pub no_console: bool,

    /// How many requests of each project the request log keeps; 0 turns it off
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_REQUEST_LOG",
        value_name = "N",
        default_value_t = DEFAULT_REQUEST_LOG,
        value_parser = clap::value_parser!(u32).range(0..=100_000)
    )]
    pub request_log: u32,

    /// Time limit of a request, in seconds
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_REQUEST_TIMEOUT",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub request_timeout: u64,

    /// Maximum number of database connections
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_CONNECTIONS",
        default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=50)
    )]
    pub connections: u32,

    /// Log filter; logs are written to standard error
    #[arg(long, global = true, env = "RUST_LOG", default_value = "info")]
    pub log: String,

    /// Log format
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

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

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// The hosts that requests may name in addition to addresses and local hosts.
    pub allowed_hosts: Vec<HostPattern>,
    pub storage: Storage,
    /// The directory of this program in the user's cache directory, for what makes the start of an ephemeral emulator
    /// faster; `None` where there is no home directory.
    pub cache_dir: Option<PathBuf>,
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
    /// Limits of the connections of clients. They have no options.
    pub connection_limits: ConnectionLimits,
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
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allowed_hosts: Vec::new(),
            storage: Storage::Private(Durability::Ephemeral),
            cache_dir: default_cache_dir(),
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
            connection_limits: ConnectionLimits::default(),
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

impl Options {
    /// Converts the options to a server configuration. `--ephemeral` and `--data-dir` take precedence over
    /// `DATABASE_URL`, which is often set for another program.
    ///
    /// # Errors
    /// Returns an error when there is no home directory for the data.
    pub fn config(&self) -> Result<Config, ClusterError> {
        let url = self.database_url.as_ref().filter(|url| !url.is_empty());
        let storage = match (self.ephemeral, &self.data_dir, url) {
            (true, _, _) => Storage::Private(Durability::Ephemeral),
            (false, Some(directory), _) => Storage::Private(Durability::Persistent(directory.clone())),
            (false, None, Some(url)) => Storage::Url(url.clone()),
            (false, None, None) => Storage::Private(Durability::Persistent(default_data_dir()?)),
        };
        Ok(Config {
            listen: self.listen,
            allowed_hosts: self.allowed_hosts.iter().flatten().cloned().collect(),
            storage,
            cache_dir: default_cache_dir(),
            state: named(self.state.as_ref()),
            template: named(self.template.as_ref()),
            strict_auth: self.strict_auth,
            strict: self.strict,
            server_keys: KeyPair::new(&self.app_id, &self.app_token),
            client_keys: KeyPair::new(&self.client_app_id, &self.client_token),
            management_keys: KeyPair::new(&self.management_id, &self.management_token),
            webhooks: WebhookConfig {
                retry_speed: self.webhook_retry_speed,
                allow_link_local: self.webhook_allow_link_local,
            },
            rate_limit: self.rate_limit,
            console: !self.no_console,
            request_log: entries(self.request_log),
            request_timeout: Duration::from_secs(self.request_timeout),
            connections: self.connections,
            connection_limits: ConnectionLimits::default(),
        })
    }
}

/// Returns the path of a file. An environment variable that is set to nothing names none.
fn named(path: Option<&PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty()).cloned()
}

/// Parses an entry of `--allowed-hosts`. An empty one, as in an environment variable that is set to nothing, names no host.
fn parse_allowed_host(text: &str) -> Result<Option<HostPattern>, String> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { HostPattern::parse(text).map(Some) }
}

fn entries(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Returns the user's data directory for this program. For root it is under `/var/lib`, because PostgreSQL runs as
/// another user, which has no access to root's home directory.
fn default_data_dir() -> Result<PathBuf, ClusterError> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/voucherify-emulator"));
    }
    project_directories().map(|directories| directories.data_local_dir().to_owned()).ok_or(ClusterError::NoHome)
}

/// Returns the directory of this program in the user's cache directory. PostgreSQL's user needs no access to it.
fn default_cache_dir() -> Option<PathBuf> {
    project_directories().map(|directories| directories.cache_dir().to_owned())
}

fn project_directories() -> Option<directories::ProjectDirs> {
    directories::ProjectDirs::from("", "", "voucherify-emulator")
}

#[cfg(test)]
mod tests;
