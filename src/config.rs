//! Every option: its flag, its environment variable, its default.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::postgres::{ClusterError, Durability};

/// The server keys of the default project: the public demo pair of the vendor's documentation.
pub const DEFAULT_APP_ID: &str = "c70a6f00-cf91-4756-9df5-47628850002b";
/// The token that goes with [`DEFAULT_APP_ID`].
pub const DEFAULT_APP_TOKEN: &str = "3266b9f8-e246-4f79-bdf0-833929b1380c";

/// A local emulator of Voucherify's customers API.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub options: Options,
}

/// What to do; `serve` where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Answer requests
    #[default]
    Serve,
    /// Apply migrations to the database and exit
    Migrate,
}

/// The options of every command.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Address and port; port 0 picks a free one
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_LISTEN", default_value = "127.0.0.1:8682")]
    pub listen: SocketAddr,

    /// A PostgreSQL 13 or later; without one, the emulator runs a private one
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Where the private PostgreSQL is kept [default: the user's data directory]
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_DATA_DIR")]
    pub data_dir: Option<PathBuf>,

    /// Run a private PostgreSQL in a temporary directory, as fast as it goes, gone at exit
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,

    /// Accept only configured and created keys
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_STRICT_AUTH", value_parser = FalseyValueParser::new())]
    pub strict_auth: bool,

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

    /// Calls of one project in a minute before it is answered 429 [default: no limit]
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_RATE_LIMIT", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,

    /// Seconds that a request may take
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_REQUEST_TIMEOUT",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub request_timeout: u64,

    /// Connections to the database
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_CONNECTIONS",
        default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=50)
    )]
    pub connections: u32,

    /// What is logged, on standard error
    #[arg(long, global = true, env = "RUST_LOG", default_value = "info")]
    pub log: String,

    /// How it is logged
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
}

/// The form of a line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Where the state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    /// A PostgreSQL that runs somewhere.
    Url(String),
    /// A private one.
    Private(Durability),
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    pub storage: Storage,
    pub strict_auth: bool,
    pub app_id: String,
    pub app_token: String,
    pub rate_limit: Option<u32>,
    pub request_timeout: Duration,
    pub connections: u32,
}

impl Options {
    /// The server's part of the options. `--ephemeral` and `--data-dir` win over a `DATABASE_URL`, which is often set for
    /// another program.
    ///
    /// # Errors
    /// When there is no directory to keep data in.
    pub fn config(&self) -> Result<Config, ClusterError> {
        let url = self.database_url.as_ref().filter(|url| !url.is_empty());
        let storage = match (self.ephemeral, &self.data_dir, url) {
            (true, _, _) => Storage::Private(Durability::Ephemeral),
            (false, Some(directory), _) => Storage::Private(Durability::Kept(directory.clone())),
            (false, None, Some(url)) => Storage::Url(url.clone()),
            (false, None, None) => Storage::Private(Durability::Kept(default_data_dir()?)),
        };
        Ok(Config {
            listen: self.listen,
            storage,
            strict_auth: self.strict_auth,
            app_id: self.app_id.clone(),
            app_token: self.app_token.clone(),
            rate_limit: self.rate_limit,
            request_timeout: Duration::from_secs(self.request_timeout),
            connections: self.connections,
        })
    }
}

/// The user's data directory for this program. Root's home is closed to the user whom PostgreSQL runs as, so root keeps
/// its data where services do.
fn default_data_dir() -> Result<PathBuf, ClusterError> {
    if rustix::process::geteuid().is_root() {
        return Ok(PathBuf::from("/var/lib/voucherify-emulator"));
    }
    directories::ProjectDirs::from("", "", "voucherify-emulator")
        .map(|directories| directories.data_local_dir().to_owned())
        .ok_or(ClusterError::NoHome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_stand_before_and_after_the_command() {
        for arguments in
            [vec!["x", "--ephemeral", "serve"], vec!["x", "serve", "--ephemeral"], vec!["x", "--ephemeral"]]
        {
            let cli = Cli::parse_from(&arguments);
            assert!(cli.options.ephemeral && cli.command.unwrap_or_default() == Command::Serve, "{arguments:?}");
        }
    }

    #[test]
    fn what_is_said_of_the_private_cluster_wins_over_a_database_url() {
        let storage = |arguments: &[&str]| Cli::parse_from(arguments).options.config().unwrap().storage;
        let url = ["x", "--database-url", "postgres://h/d"];
        assert_eq!(storage(&url), Storage::Url("postgres://h/d".to_owned()));
        assert_eq!(storage(&[&url[..], &["--ephemeral"]].concat()), Storage::Private(Durability::Ephemeral));
    }
}
