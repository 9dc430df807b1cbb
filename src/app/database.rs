//! The database of the server: the configured one, or that of the private cluster.

use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

use super::error::StartError;
use crate::config::{Config, Storage, TablePlacement};
use crate::db;
use crate::db::connect;
use crate::db::distribution;
use crate::db::pool::{Pool, PoolSettings};
use crate::db::session::{Database, Purpose};
use crate::domain::database_schema::DatabaseSchema;
#[cfg(feature = "fetch-postgresql")]
use crate::postgres::fetch;
use crate::postgres::{Cluster, Durability, Preparation};

/// How long a start waits for a database that does not answer yet.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(6);
/// The interval between two checks for tables that need `ANALYZE`.
const ANALYZE_INTERVAL: Duration = Duration::from_secs(1);

/// Applies the migrations to the configured database, for the subcommand `migrate`.
///
/// # Errors
/// When the database cannot be used, or a migration fails.
pub async fn migrate(config: &Config) -> Result<(), StartError> {
    let (database, cluster) = database(config).await?;
    let pool = Pool::new(database, PoolSettings::default());
    migrate_schema(config, &pool).await?;
    pool.close().await;
    if let Some(cluster) = cluster {
        tokio::task::spawn_blocking(move || cluster.stop()).await?;
    }
    Ok(())
}

/// Migrates the schema and, with `--distribute`, distributes the tables over the servers of Citus. The first start in a database of the user
/// logs which schema that is.
pub(super) async fn migrate_schema(config: &Config, pool: &Pool) -> Result<(), StartError> {
    let is_new = connect::migrate(pool).await?;
    if is_new && matches!(config.storage, Storage::Url(_)) {
        let schema = pool.database().schema();
        tracing::info!(%schema, "everything of the emulator is in this new schema of the database");
    }
    if config.tables == TablePlacement::Distributed {
        if distribution::distribute(pool).await.map_err(StartError::Distribution)? {
            tracing::info!("the tables are distributed by project");
        } else {
            tracing::info!("the database has no extension citus, so nothing was distributed");
        }
    }
    Ok(())
}

/// Returns the configured database once it answers, and the private cluster if there is one.
pub(super) async fn database(config: &Config) -> Result<(Database, Option<Cluster>), StartError> {
    match &config.storage {
        Storage::Url(url) => {
            if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                return Err(StartError::Url("it begins with neither postgres:// nor postgresql://".to_owned()));
            }
            let options: PgConnectOptions =
                url.parse().map_err(|error: sqlx::Error| StartError::Url(error.to_string()))?;
            let database = Database::new(options, config.database_schema.clone());
            let database = tokio::time::timeout(DATABASE_TIMEOUT, check_database(database))
                .await
                .map_err(|_| StartError::Silent(DATABASE_TIMEOUT))??;
            Ok((database, None))
        }
        Storage::Private(durability) => {
            let cluster = start_cluster(config, durability).await?;
            Ok((Database::new(cluster.main_database(), DatabaseSchema::default()), Some(cluster)))
        }
    }
}

/// Starts the private cluster. Fetches PostgreSQL first, where no suitable one is found.
async fn start_cluster(config: &Config, durability: &Durability) -> Result<Cluster, StartError> {
    let start = || {
        let (durability, programs) = (durability.clone(), config.programs.clone());
        let (cache, shared) = (config.cache_dir.clone(), config.shared_templates.clone());
        tokio::task::spawn_blocking(move || match durability {
            Durability::Ephemeral => {
                Cluster::start_prepared(&programs, preparation(), cache.as_deref(), shared.as_deref())
            }
            Durability::Persistent(_) | Durability::PersistentByVersion(_) => Cluster::start(&durability, &programs),
        })
    };
    let started = start().await?;
    #[cfg(feature = "fetch-postgresql")]
    if let (Err(error), Some(source)) = (&started, &config.programs.source)
        && config.programs.is_solved_by_fetching(error)
    {
        fetch(&config.programs, source).await?;
        return Ok(start().await??);
    }
    Ok(started?)
}

/// Returns how the database of an ephemeral cluster is prepared: the schema is migrated.
fn preparation() -> Preparation {
    Preparation {
        digest: connect::schema_digest(),
        prepare: |connection| Box::pin(async { Ok(connect::migrate_connection(connection).await?) }),
        trim: |mut connection| {
            Box::pin(async move {
                connect::drop_template_databases(&mut connection).await?;
                Ok(connection)
            })
        },
    }
}

/// Waits until the database answers, and checks that each connection keeps a session of its own. Returns the database as it is connected
/// to.
async fn check_database(database: Database) -> Result<Database, StartError> {
    let database = wait_until_available(database).await?;
    let is_pooler = db::pooler::changes_sessions(&database).await.map_err(StartError::Database)?;
    if is_pooler { Err(StartError::Pooler) } else { Ok(database) }
}

/// Waits until the database answers, because a database that is starting refuses connections for a while.
async fn wait_until_available(mut database: Database) -> Result<Database, StartError> {
    let begun = Instant::now();
    loop {
        let error = match database.connect_without_settings(Purpose::Migration).await {
            Ok(connection) => {
                connection.close().await.map_err(StartError::Database)?;
                return Ok(database);
            }
            Err(error) => error,
        };
        if let Some(without_tls) = database.without_unusable_tls(&error) {
            tracing::warn!(%error, "the certificate of the database server cannot be used, so the connections are without TLS");
            database = without_tls;
            continue;
        }
        match error {
            error if db::error::is_unavailable(&error) && begun.elapsed() < DATABASE_TIMEOUT / 2 => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            error => return Err(StartError::Database(error)),
        }
    }
}

/// Runs `ANALYZE` on tables that have grown, until the server stops.
pub(super) async fn analyze_grown_tables(pool: Pool, mut stopped: watch::Receiver<bool>) {
    let stop = async {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let check = async {
        let mut seen = pool.acquire_count();
        loop {
            tokio::time::sleep(ANALYZE_INTERVAL).await;
            // Tables grow only while connections are used, so an idle emulator sends no statements.
            if pool.acquire_count() == seen {
                continue;
            }
            // Requests report an unreachable database, so this task does not.
            let Ok(mut connection) = pool.acquire().await else { continue };
            match db::statistics::analyze_changed_tables(&mut connection).await {
                Ok(()) => connection.release(),
                Err(error) => tracing::debug!(%error, "failed to analyze tables"),
            }
            seen = pool.acquire_count();
        }
    };
    tokio::select! { () = stop => {}, () = check => {} }
}
