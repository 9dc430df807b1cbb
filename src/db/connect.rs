//! Prepares the database: checks the server, migrates the schema, applies the SQL functions.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::functions;
use super::pool::Pool;
use super::schema::{self, SchemaState};
use super::session::{self, Purpose};
use crate::domain::database_schema::DatabaseSchema;

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!();
    // The lock of sqlx belongs to the whole database, and this program has one for each schema.
    migrations.set_locking(false);
    migrations
});

/// The oldest PostgreSQL that the statements run on, as `server_version_num`.
const OLDEST_SERVER: i32 = 130_000;

/// The reason why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("PostgreSQL {found} is too old: 13 or later is needed")]
    TooOld { found: String },
    #[error(
        "the database has the encoding {found}, which cannot store every text: the encoding UTF8 is needed. Create a database with \
         CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0, or use another one"
    )]
    Encoding { found: String },
    #[error("the database is a replica, which cannot be written to: use the server that it is a copy of")]
    Replica,
    #[error("the database was migrated by a newer voucherify-emulator: run that one, or use another database")]
    Newer,
    #[error(
        "the database was made by a development version of voucherify-emulator, and its schema cannot be upgraded: \
         delete the --data-dir or the database, or use another one"
    )]
    Development,
    #[error(
        "the schema {schema} of the database has tables that voucherify-emulator did not make: name another schema with \
         --database-schema"
    )]
    Foreign { schema: DatabaseSchema },
    #[error(
        "the user {user} may not create the schema {schema} in the database, or tables in it: run CREATE SCHEMA {schema} AUTHORIZATION \
         {user} as an administrator, or use another database"
    )]
    Denied { schema: DatabaseSchema, user: String },
    #[error("the migrations failed: {0}")]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Brings the schema and the functions of the database up to date. Any number of processes may do so at once:
/// advisory locks let one of them work at a time. Returns whether the schema is new.
///
/// # Errors
/// Returns an error when the server or the database cannot be used, when the schema is not one that this program can continue, or
/// when a statement fails.
pub async fn migrate(pool: &Pool) -> Result<bool, SchemaError> {
    let mut connection = pool.connect_apart(Purpose::Migration).await?;
    let migrated = update_schema(&mut connection, pool.database().schema()).await;
    // A connection whose migration has failed may hold its lock.
    let _ = connection.close().await;
    migrated
}

/// Does the same as [`migrate`] in the default schema, on a connection of its own, which is returned.
///
/// # Errors
/// Returns the errors of [`migrate`].
pub async fn migrate_connection(mut connection: PgConnection) -> Result<PgConnection, SchemaError> {
    let schema = DatabaseSchema::default();
    session::configure(&mut connection, &schema, Purpose::Migration).await?;
    update_schema(&mut connection, &schema).await?;
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

/// Returns a digest of the migrations, the functions and the default schema. Databases that are migrated with the same ones have the
/// same content.
#[must_use]
pub fn schema_digest() -> Vec<u8> {
    let mut digest = Sha256::new();
    digest.update(DatabaseSchema::default().as_str());
    for migration in MIGRATIONS.iter() {
        digest.update(migration.version.to_be_bytes());
        digest.update(&migration.checksum);
    }
    functions::update_digest(&mut digest);
    digest.finalize().to_vec()
}

async fn update_schema(connection: &mut PgConnection, schema: &DatabaseSchema) -> Result<bool, SchemaError> {
    check_server(connection).await?;
    let lock = "SELECT pg_advisory_lock(hashtext('voucherify_emulator schema'), hashtext($1))";
    sqlx::query(lock).bind(schema.as_str()).execute(&mut *connection).await?;
    let is_new = match schema::find_state(connection, schema).await? {
        SchemaState::Ours => false,
        SchemaState::Usable => true,
        SchemaState::Missing => {
            schema::create(connection, schema).await?;
            true
        }
        SchemaState::Foreign => return Err(SchemaError::Foreign { schema: schema.clone() }),
        SchemaState::DevelopmentInPublic => return Err(SchemaError::Development),
        SchemaState::Denied { user } => return Err(SchemaError::Denied { schema: schema.clone(), user }),
    };
    // The future of `run` is not recognised as `Send` by the compiler; the authors of sqlx provide `run_direct` for
    // this case.
    match MIGRATIONS.run_direct(None, connection, false).await {
        Err(MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..)) => {
            return Err(if is_first_migration_ours(connection).await? {
                SchemaError::Newer
            } else {
                SchemaError::Development
            });
        }
        Err(MigrateError::VersionMismatch(_) | MigrateError::Dirty(_)) => return Err(SchemaError::Development),
        Err(error) => return Err(error.into()),
        Ok(()) => functions::apply(connection).await?,
    }
    connection.execute("SELECT pg_advisory_unlock_all()").await?;
    Ok(is_new)
}

/// Checks that the statements run on the server and that the database can store every text.
async fn check_server(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let server = sqlx::query!(
        r#"SELECT current_setting('server_version_num')::int AS "number!", current_setting('server_version') AS "version!",
                  current_setting('server_encoding') AS "encoding!", pg_is_in_recovery() AS "is_replica!""#
    )
    .fetch_one(connection)
    .await?;
    if server.number < OLDEST_SERVER {
        return Err(SchemaError::TooOld { found: server.version });
    }
    if server.encoding != "UTF8" {
        return Err(SchemaError::Encoding { found: server.encoding });
    }
    if server.is_replica {
        return Err(SchemaError::Replica);
    }
    Ok(())
}

/// Returns whether the database began with the same first migration as this program, which no release changes.
async fn is_first_migration_ours(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let Some(first) = MIGRATIONS.iter().next() else { return Ok(false) };
    // The table belongs to sqlx and is not part of the schema that statements are checked against at compile time.
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM _sqlx_migrations WHERE version = $1 AND checksum = $2)")
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

/// Checks that the database has room: that it accepts a new connection, and that a statement can write to its disk.
///
/// # Errors
/// Returns an error when there is no room, or the database does not answer.
pub async fn try_resources(pool: &Pool) -> Result<(), sqlx::Error> {
    const LIMIT_OF_TEMPORARY_FILES: &str = "53400";
    let mut connection = pool.database().connect(Purpose::Listener).await?;
    // What the function returns takes about 3 MB, which is more than the memory, and so is written to a temporary file.
    let tried = connection.execute("SET work_mem = '64kB'; SELECT count(*) FROM generate_series(1, 200000)").await;
    let _ = connection.close().await;
    match tried {
        Err(error)
            if error.as_database_error().and_then(DatabaseError::code).as_deref() == Some(LIMIT_OF_TEMPORARY_FILES) =>
        {
            // The server limits these files, so this does not show whether there is room.
            Ok(())
        }
        tried => tried.map(drop),
    }
}

/// Checks that the database answers.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection.execute("SELECT 1").await.map(drop)
}
