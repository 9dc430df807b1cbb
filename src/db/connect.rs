//! The schema of a database, and whether the database is there.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Executor, PgConnection};

use super::pool::Pool;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The oldest PostgreSQL that the statements run on, as `server_version_num`.
const OLDEST_SERVER: i32 = 130_000;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("PostgreSQL {found} is too old: 13 or later is needed")]
    TooOld { found: String },
    #[error("the database was migrated by a newer voucherify-emulator: run that one, or use another database")]
    Newer,
    #[error(
        "the database was made by another version of voucherify-emulator, whose schema this one does not continue. \
         Use another --data-dir or database, or delete that one"
    )]
    Foreign,
    #[error("the migrations failed: {0}")]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Brings the schema up to date. Any number of processes may do so at once: an advisory lock lets one work.
///
/// # Errors
/// When the server is too old, the schema is from a newer program, or the database refuses.
pub async fn migrate(pool: &Pool) -> Result<(), SchemaError> {
    let mut connection = pool.acquire().await?;
    let version = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::int AS "number!", current_setting('server_version') AS "text!""#
    )
    .fetch_one(&mut *connection)
    .await?;
    if version.number < OLDEST_SERVER {
        return Err(SchemaError::TooOld { found: version.text });
    }
    // The migration may wait for another process's, however long that takes.
    connection.execute("SET statement_timeout = 0").await?;
    // Not `run`, whose future the compiler does not see to be `Send`; this is its authors' way around.
    let migrated = MIGRATIONS.run_direct(None, &mut *connection, false).await;
    connection.close().await;
    match migrated {
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => Err(SchemaError::Newer),
        Err(MigrateError::VersionMismatch(_) | MigrateError::Dirty(_)) => Err(SchemaError::Foreign),
        other => Ok(other?),
    }
}

/// The number of this process among those on the database, for its identifiers.
///
/// # Errors
/// When the database refuses.
pub async fn next_node(pool: &Pool) -> Result<u16, sqlx::Error> {
    let mut session = pool.acquire().await?;
    let node = sqlx::query_scalar!(r#"SELECT nextval('emulator_nodes') AS "node!""#).fetch_one(&mut *session).await?;
    session.release();
    Ok(u16::try_from(node).unwrap_or_default())
}

/// Asks the database for a sign of life.
///
/// # Errors
/// When it gives none.
pub async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute("SELECT 1").await.map(drop)
}
