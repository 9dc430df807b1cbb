//! How a connection to the database is opened: every setting on which the statements depend is set to the value that they
//! need, because the database or the user may have other defaults (`ALTER DATABASE ... SET`, `ALTER ROLE ... SET`).
//!
//! Settings that describe the machine (costs, memory), what is logged, and `synchronous_commit` are left alone: they belong to
//! the operator of the server, and no result depends on them.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, PgConnection, PgPool};

use crate::domain::database_schema::DatabaseSchema;
use crate::trace::statement;

/// The time limit of the statements of the connections that deliver webhooks and listen for notifications.
const WORKER_STATEMENT_TIMEOUT: Duration = Duration::from_secs(8);

/// The name of the connection that delivers webhooks, as PostgreSQL shows it.
pub(super) const DELIVERY_APPLICATION_NAME: &str = "voucherify-emulator webhook delivery";

/// The settings of every connection, apart from the search path and the time limits of statements. Settings that the version of the
/// server does not have are left out.
pub const SETTINGS: &[(&str, &str)] = &[
    // What statements mean.
    ("standard_conforming_strings", "on"),
    ("backslash_quote", "safe_encoding"),
    ("transform_null_equals", "off"),
    ("array_nulls", "on"),
    ("quote_all_identifiers", "off"),
    ("row_security", "on"),
    ("check_function_bodies", "on"),
    ("plpgsql.extra_errors", "none"),
    ("session_replication_role", "origin"),
    ("default_table_access_method", "heap"),
    // The form of values.
    ("client_encoding", "UTF8"),
    ("DateStyle", "ISO, MDY"),
    ("IntervalStyle", "postgres"),
    ("TimeZone", "UTC"),
    ("timezone_abbreviations", "Default"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "1"),
    // Transactions. A conflict with a concurrent transaction is handled by locks, and not by repeated attempts.
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("default_transaction_deferrable", "off"),
    ("lock_timeout", "0"),
    ("transaction_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("exit_on_error", "off"),
    ("client_min_messages", "error"),
    // The plans of the statements, which are chosen for their indexes.
    ("jit", "off"),
    ("force_parallel_mode", "off"),
    ("debug_parallel_query", "off"),
    ("from_collapse_limit", "8"),
    ("join_collapse_limit", "8"),
    ("enable_bitmapscan", "on"),
    ("enable_hashagg", "on"),
    ("enable_hashjoin", "on"),
    ("enable_incremental_sort", "on"),
    ("enable_indexonlyscan", "on"),
    ("enable_indexscan", "on"),
    ("enable_material", "on"),
    ("enable_memoize", "on"),
    ("enable_mergejoin", "on"),
    ("enable_nestloop", "on"),
    ("enable_seqscan", "on"),
    ("enable_sort", "on"),
    ("enable_tidscan", "on"),
];

/// What a connection is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Requests and jobs, with the time limit of a statement.
    Pool { statement_timeout: Duration },
    /// The migration. It may wait for that of another process, however long that takes.
    Migration,
    /// Receives notifications.
    Listener,
    /// Delivers webhooks.
    Delivery,
}

impl Purpose {
    fn application_name(self) -> &'static str {
        match self {
            Self::Delivery => DELIVERY_APPLICATION_NAME,
            _ => "voucherify-emulator",
        }
    }

    fn settings(self) -> Vec<(&'static str, String)> {
        let statement_timeout = match self {
            Self::Pool { statement_timeout } => statement_timeout,
            Self::Migration => Duration::ZERO,
            Self::Listener | Self::Delivery => WORKER_STATEMENT_TIMEOUT,
        };
        // A generic plan for the few statements that repeat: planning them each time would take longer than executing them.
        let plan_cache_mode = if self == Self::Delivery { "force_generic_plan" } else { "auto" };
        let mut settings = vec![
            ("statement_timeout", statement_timeout.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", statement_timeout.as_millis().to_string()),
            ("plan_cache_mode", plan_cache_mode.to_owned()),
        ];
        if matches!(self, Self::Delivery | Self::Listener) {
            // The connection may be silent for long, so a server that has disappeared must be detected.
            let keepalives =
                [("tcp_keepalives_idle", "5"), ("tcp_keepalives_interval", "5"), ("tcp_keepalives_count", "3")];
            settings.extend(keepalives.map(|(name, value)| (name, value.to_owned())));
        }
        settings
    }
}

/// A database, and the schema in it that holds everything of the emulator.
#[derive(Clone)]
pub struct Database {
    options: PgConnectOptions,
    schema: DatabaseSchema,
}

impl fmt::Debug for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Omit the options, because they may contain a password.
        formatter.debug_struct("Database").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Database {
    /// Returns the database to which `options` connect, with that schema.
    #[must_use]
    pub fn new(options: PgConnectOptions, schema: DatabaseSchema) -> Self {
        // The settings are not sent with the connection, because poolers of connections refuse most of them there.
        Self { options: options.extra_float_digits(None).disable_statement_logging(), schema }
    }

    /// Returns the database with connections without TLS, if a connection has failed with this error because the certificate of the
    /// server cannot be used, and TLS is only preferred (`sslmode=prefer`, the default). libpq goes on without TLS in the same case.
    #[must_use]
    pub fn without_unusable_tls(&self, error: &sqlx::Error) -> Option<Self> {
        let is_of_tls = match error {
            sqlx::Error::Tls(_) => true,
            sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
            _ => false,
        };
        let prefers_tls = matches!(self.options.get_ssl_mode(), PgSslMode::Prefer);
        (is_of_tls && prefers_tls)
            .then(|| Self { options: self.options.clone().ssl_mode(PgSslMode::Disable), schema: self.schema.clone() })
    }

    /// Returns the schema.
    #[must_use]
    pub fn schema(&self) -> &DatabaseSchema {
        &self.schema
    }

    /// Opens a connection and sets its settings.
    ///
    /// # Errors
    /// Returns an error when the database cannot be reached or rejects the connection or a setting.
    pub async fn connect(&self, purpose: Purpose) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.connect_without_settings(purpose).await?;
        configure(&mut connection, &self.schema, purpose).await?;
        Ok(connection)
    }

    /// Opens a connection that has the settings of the server.
    ///
    /// # Errors
    /// Returns an error when the database cannot be reached or rejects the connection.
    pub async fn connect_without_settings(&self, purpose: Purpose) -> Result<PgConnection, sqlx::Error> {
        self.options.clone().application_name(purpose.application_name()).connect().await
    }

    /// Returns a pool of sqlx with one connection, which sets its settings whenever it is opened. Nothing is connected yet.
    pub(super) fn pool_of_one(&self, purpose: Purpose) -> PgPool {
        let schema = self.schema.clone();
        PgPoolOptions::new()
            .max_connections(1)
            .after_connect(move |connection, _| {
                let schema = schema.clone();
                Box::pin(async move { configure(connection, &schema, purpose).await })
            })
            .connect_lazy_with(self.options.clone().application_name(purpose.application_name()))
    }
}

/// Sets the settings of a connection, all in one statement. A setting that has the right value already is not set, because it may need
/// privileges.
///
/// # Errors
/// Returns an error when a setting cannot be set.
pub async fn configure(
    connection: &mut PgConnection,
    schema: &DatabaseSchema,
    purpose: Purpose,
) -> Result<(), sqlx::Error> {
    let _statement = statement("session.configure");
    let fixed = SETTINGS.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let settings = fixed.chain(purpose.settings()).chain([("search_path", schema.quoted())]);
    // No name and no value contains a quotation mark or a backslash.
    let rows = settings.map(|(name, value)| format!("('{name}', '{value}')")).collect::<Vec<_>>().join(", ");
    let statement = format!(
        "SELECT count(set_config(name, value, false)) FROM (VALUES {rows}) AS wanted (name, value)
         WHERE current_setting(name, true) <> value"
    );
    connection.execute(AssertSqlSafe(statement)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn tls_is_left_out_only_where_it_is_preferred_and_cannot_be_used() {
        let unusable = || sqlx::Error::Io(io::Error::new(io::ErrorKind::InvalidData, "UnsupportedCertVersion"));
        let failed = || sqlx::Error::Tls("the server refuses it".into());
        let refused = || sqlx::Error::Io(io::ErrorKind::ConnectionRefused.into());
        for (mode, error, is_left_out) in [
            (PgSslMode::Prefer, unusable(), true),
            (PgSslMode::Prefer, failed(), true),
            (PgSslMode::Prefer, refused(), false),
            (PgSslMode::Require, unusable(), false),
            (PgSslMode::VerifyFull, failed(), false),
            (PgSslMode::Disable, unusable(), false),
        ] {
            let options = PgConnectOptions::new_without_pgpass().ssl_mode(mode);
            let database = Database::new(options, DatabaseSchema::default());
            let without = database.without_unusable_tls(&error);
            assert_eq!(without.is_some(), is_left_out, "{mode:?} {error}");
            let mode = without.map(|without| without.options.get_ssl_mode());
            assert!(mode.is_none_or(|mode| matches!(mode, PgSslMode::Disable)), "{mode:?}");
        }
    }
}
