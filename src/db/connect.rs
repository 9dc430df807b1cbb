//! Prepares the database: checks the server, migrates the schema, applies the SQL functions.

use sha2::{Digest, Sha256};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::functions;
use super::pool::Pool;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// The oldest PostgreSQL that the statements run on, as `server_version_num`.
const OLDEST_SERVER: i32 = 130_000;

/// The reason why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("PostgreSQL {found} is too old: 13 or later is needed")]
    TooOld { found: String },
    #[error("the database was migrated by a newer voucherify-emulator: run that one, or use another database")]
    Newer,
    #[error(
        "the database was made by a development version of voucherify-emulator, and its schema cannot be upgraded: \
         delete the --data-dir or the database, or use another one"
    )]
    Development,
    #[error("the migrations failed: {0}")]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Brings the schema and the functions of the database up to date. Any number of processes may do so at once:
/// advisory locks let one of them work at a time.
///
/// # Errors
/// Returns an error when the server is too old, when the schema is not one that this program can continue, or when a
/// statement fails.
pub async fn migrate(pool: &Pool) -> Result<(), SchemaError> {
    let mut connection = pool.acquire().await?;
    let migrated = update_schema(&mut connection).await;
    // Close the connection, because its settings differ from those of the pool, and a failed migration leaves its
    // lock held.
    connection.close().await;
    migrated
}

/// Does the same as [`migrate`] on a connection of its own, which is returned.
///
/// # Errors
/// Returns the errors of [`migrate`].
pub async fn migrate_connection(mut connection: PgConnection) -> Result<PgConnection, SchemaError> {
    connection.execute("SET client_min_messages = error").await?;
    update_schema(&mut connection).await?;
    Ok(connection)
}

/// Drops the databases of a private cluster that only `CREATE DATABASE` needs. Their files are two thirds of those of a
/// new cluster.
///
/// # Errors
/// Returns an error when a statement fails.
pub async fn drop_template_databases(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for database in ["template0", "template1"] {
        connection.execute(AssertSqlSafe(format!("ALTER DATABASE {database} IS_TEMPLATE false"))).await?;
        connection.execute(AssertSqlSafe(format!("DROP DATABASE {database}"))).await?;
    }
    Ok(())
}

/// Returns a digest of the migrations and the functions. Databases that are migrated with the same ones have the same
/// schema.
#[must_use]
pub fn schema_digest() -> Vec<u8> {
    let mut digest = Sha256::new();
    for migration in MIGRATIONS.iter() {
        digest.update(migration.version.to_be_bytes());
        digest.update(&migration.checksum);
    }
    functions::update_digest(&mut digest);
    digest.finalize().to_vec()
}

async fn update_schema(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let version = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::int AS "number!", current_setting('server_version') AS "text!""#
    )
    .fetch_one(&mut *connection)
    .await?;
    if version.number < OLDEST_SERVER {
        return Err(SchemaError::TooOld { found: version.text });
    }
    // The migration may wait for that of another process, however long that takes.
    connection.execute("SET statement_timeout = 0").await?;
    // The future of `run` is not recognised as `Send` by the compiler; the authors of sqlx provide `run_direct` for
    // this case.
    match MIGRATIONS.run_direct(None, connection, false).await {
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => {
            Err(if is_first_migration_ours(connection).await? { SchemaError::Newer } else { SchemaError::Development })
        }
        Err(MigrateError::VersionMismatch(_) | MigrateError::Dirty(_)) => Err(SchemaError::Development),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(functions::apply(connection).await?),
    }
}

/// Returns whether the database began with the same first migration as this program, which no release changes.
async fn is_first_migration_ours(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let Some(first) = MIGRATIONS.iter().next() else { return Ok(false) };
    // The table belongs to sqlx and is not part of the schema that statements are checked against at compile time.
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM _sqlx_migrations WHERE version = $1 AND checksum = $2)")
        .bind(first.version)
        .bind(&*first.checksum)
        .fetch_one(connection)
        .await
}

/// Returns the number of this process among those on the database, which makes its identifiers unique.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn next_node(pool: &Pool) -> Result<u16, sqlx::Error> {
    let mut session = pool.acquire().await?;
    let node = sqlx::query_scalar!(r#"SELECT nextval('emulator_nodes') AS "node!""#).fetch_one(&mut *session).await?;
    session.release();
    Ok(u16::try_from(node).unwrap_or_default())
}

/// Checks that the database answers.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute("SELECT 1").await.map(drop)
}
