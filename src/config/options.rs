//! The command line: its commands, and its options in groups.

mod data;
mod emulation;
mod keys;
mod log;
mod server;
mod tls;

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use super::{Config, KeyPair, WebhookConfig};
use crate::http::ConnectionLimits;
use crate::postgres::ClusterError;
use crate::tls::TlsError;

pub use self::data::DataOptions;
pub use self::emulation::EmulationOptions;
pub use self::keys::KeyOptions;
pub use self::log::{LogFormat, LogOptions};
pub use self::server::ServerOptions;
pub use self::tls::TlsOptions;

/// The help is at most this wide, also in a wider terminal.
const MAX_HELP_COLUMNS: usize = 100;
const EXAMPLES: &str = "\
Examples:
  Keep the state in your data directory:
    voucherify-emulator
  Start empty on a free port, and remove everything at exit, as tests need it:
    voucherify-emulator --ephemeral --listen 127.0.0.1:0
  Use a PostgreSQL of yours:
    DATABASE_URL=postgres://user:password@localhost/emulator voucherify-emulator";

/// A local emulator of Voucherify's customers API.
#[derive(Parser)]
#[command(version, about, max_term_width = MAX_HELP_COLUMNS, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub options: Options,
}

/// The command to run; `serve` by default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the server; this is the default
    #[default]
    Serve,
    /// Apply migrations to the database and exit
    Migrate,
    /// Print the certificate of the authority of --tls in PEM form, for clients to trust it
    TlsCa,
    /// Ask a running emulator whether it is healthy; exit status 0 or 1
    Health {
        /// Base URL of the emulator [default: the address of --listen]
        url: Option<String>,
    },
    /// Print the completions of a shell
    Completions { shell: Shell },
    /// Print the manual page, in the format of man
    Man,
}

/// The options of every command. They contain tokens and a password, so they do not implement `Debug`.
#[derive(Args, Clone)]
pub struct Options {
    #[command(flatten)]
    pub server: ServerOptions,
    #[command(flatten)]
    pub tls: TlsOptions,
    #[command(flatten)]
    pub data: DataOptions,
    #[command(flatten)]
    pub emulation: EmulationOptions,
    #[command(flatten)]
    pub keys: KeyOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

/// Why the options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Options {
    /// Converts the options to a server configuration.
    ///
    /// # Errors
    /// Returns an error when there is no home directory for the data, or only one of two files of a certificate is given.
    pub fn config(&self) -> Result<Config, OptionsError> {
        let Self { server, tls, data, emulation, keys, log } = self;
        Ok(Config {
            listen: server.address(),
            allowed_hosts: server.allowed_hosts.iter().flatten().cloned().collect(),
            tls: tls.source(data)?,
            storage: data.storage()?,
            database_schema: data.database_schema.clone(),
            cache_dir: super::paths::cache_dir(),
            shared_templates: super::paths::shared_templates(),
            programs: data.programs(),
            state: data::named(data.state.as_ref()),
            template: data::named(data.template.as_ref()),
            strict_auth: keys.strict_auth,
            strict: emulation.strict,
            server_keys: KeyPair::new(&keys.app_id, &keys.app_token),
            client_keys: KeyPair::new(&keys.client_app_id, &keys.client_token),
            management_keys: KeyPair::new(&keys.management_id, &keys.management_token),
            webhooks: WebhookConfig {
                retry_speed: emulation.webhook_retry_speed,
                allow_link_local: emulation.webhook_allow_link_local,
            },
            rate_limit: emulation.rate_limit,
            console: !server.no_console,
            request_log: super::entries(server.request_log),
            request_timeout: Duration::from_secs(server.request_timeout),
            connections: data.connections,
            tables: data.tables(),
            connection_limits: ConnectionLimits::default(),
            otlp_endpoint: log.otlp_endpoint.clone().flatten(),
        })
    }
}
