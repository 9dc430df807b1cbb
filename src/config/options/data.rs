//! The options of the data: the database, and what it holds at the start.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use url::Url;

use crate::config::{Storage, TablePlacement, paths};
use crate::domain::database_schema::{DEFAULT_DATABASE_SCHEMA, DatabaseSchema};
use crate::postgres::{ClusterError, Durability, Programs, Source};
use crate::tls::TlsError;

/// The options of the data.
#[derive(Args, Clone)]
#[command(next_help_heading = "Data")]
pub struct DataOptions {
    /// Run a private PostgreSQL with fast, non-durable settings in a temporary directory, deleted at exit
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_EPHEMERAL", value_parser = FalseyValueParser::new())]
    pub ephemeral: bool,

    /// Data directory of the private PostgreSQL, and of the authority of --tls [default: in the user's data directory, one
    /// for each version of PostgreSQL]
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// URL of a PostgreSQL 13 or later; without it, the emulator runs a private PostgreSQL
    #[arg(long, global = true, env = "DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Schema of that database for everything of the emulator: emulators with different schemas share a database without
    /// sharing anything in it
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_DATABASE_SCHEMA",
        value_name = "NAME",
        default_value = DEFAULT_DATABASE_SCHEMA
    )]
    pub database_schema: DatabaseSchema,

    /// Directory with the programs of PostgreSQL (initdb, postgres) for the private one [default: found in PATH and in
    /// the usual directories]
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_POSTGRES_BIN", value_name = "DIR")]
    pub postgres_bin: Option<PathBuf>,

    /// Never fetch PostgreSQL; by default, it is fetched to the user's cache directory where none is found
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_NO_DOWNLOAD", value_parser = FalseyValueParser::new())]
    pub no_download: bool,

    /// URL of a mirror of the releases of PostgreSQL that are fetched
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_POSTGRES_URL",
        value_name = "URL",
        default_value = Source::BASE_URL,
        value_parser = base_url,
        hide_default_value = true,
        hide_env_values = true
    )]
    pub postgres_url: String,

    /// State document to load into the default project at the start, if that project is empty
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_STATE", value_name = "FILE")]
    pub state: Option<PathBuf>,

    /// State document with which every project starts that is created by its first request
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_TEMPLATE", value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// Maximum number of database connections
    #[arg(
        long,
        global = true,
        env = "VOUCHERIFY_EMULATOR_CONNECTIONS",
        value_name = "N",
        default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=50)
    )]
    pub connections: u32,

    /// Distribute the tables by project over the servers of the Citus cluster of --database-url. Without Citus, it does
    /// nothing
    #[arg(long, global = true, env = "VOUCHERIFY_EMULATOR_DISTRIBUTE", value_parser = FalseyValueParser::new())]
    pub distribute: bool,
}

impl DataOptions {
    /// Returns where the tables are placed.
    pub fn tables(&self) -> TablePlacement {
        if self.distribute { TablePlacement::Distributed } else { TablePlacement::OneServer }
    }

    /// Returns the storage. `--ephemeral` and `--data-dir` take precedence over `DATABASE_URL`, which is often set for another
    /// program.
    pub fn storage(&self) -> Result<Storage, ClusterError> {
        let url = self.database_url.as_ref().filter(|url| !url.is_empty());
        Ok(match (self.ephemeral, named(self.data_dir.as_ref()), url) {
            (true, _, _) => Storage::Private(Durability::Ephemeral),
            (false, Some(directory), _) => Storage::Private(Durability::Persistent(directory)),
            (false, None, Some(url)) => Storage::Url(url.clone()),
            (false, None, None) => Storage::Private(Durability::PersistentByVersion(paths::data_dir()?)),
        })
    }

    /// Returns whether the emulator runs a PostgreSQL of its own.
    #[must_use]
    pub fn uses_private_database(&self) -> bool {
        !matches!(self.storage(), Ok(Storage::Url(_)))
    }

    /// Returns the data directory in which the authority of HTTPS is kept: that of the private PostgreSQL, or the one that would be used. It
    /// does not depend on where the state is stored, so that clients trust one authority for all starts.
    pub fn authority_directory(&self) -> Result<PathBuf, TlsError> {
        named(self.data_dir.as_ref()).map_or_else(|| paths::data_dir().map_err(|_| TlsError::NoHome), Ok)
    }

    /// Returns where the programs of the private PostgreSQL are found.
    pub fn programs(&self) -> Programs {
        let source = Source { base_url: self.postgres_url.clone(), shows_progress: io::stderr().is_terminal() };
        Programs {
            directory: named(self.postgres_bin.as_ref()),
            copies: paths::program_cache_dir(),
            source: (!self.no_download).then_some(source),
            ..Programs::default()
        }
    }
}

/// Checks the URL of the releases. An environment variable that is set to nothing stands for the default.
fn base_url(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(Source::BASE_URL.to_owned());
    }
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
        return Err("it is no URL that begins with http or https and ends with a path".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Returns a path. An environment variable that is set to nothing names none.
pub fn named(path: Option<&PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty()).cloned()
}
