//! The connection pool.
//!
//! The pool of sqlx (`sqlx-core` 0.9) pings the database whenever a connection is released, which costs a second round
//! trip and a task for every request. This pool keeps a connection without a ping when its work has succeeded, and
//! checks it before the next use only when its work has failed. Use the pool of sqlx once the ping is optional.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::connection_shares::{Closed, ConnectionShares, Holder, Permit};
use super::error::is_unavailable;
use super::session::{Database, Purpose};
use crate::domain::project::ProjectId;
use crate::metrics::{DatabaseMetrics, PoolSample};
use crate::trace::statement;

pub use super::pool_settings::PoolSettings;

/// A connection that was idle for longer is pinged before it is used.
const MAX_IDLE_WITHOUT_PING: Duration = Duration::from_secs(1);
/// The time limit of a ping or a rollback.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// The pause between two attempts to connect to an unavailable database.
const CONNECT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// A limited number of connections to one database. A connection is opened when it is first needed.
#[derive(Clone)]
pub struct Pool(Arc<PoolState>);

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PoolState { database, settings, .. } = &*self.0;
        formatter.debug_struct("Pool").field("database", database).field("settings", settings).finish_non_exhaustive()
    }
}

struct PoolState {
    database: Database,
    settings: PoolSettings,
    shares: Arc<ConnectionShares>,
    /// The connection that was released last is used next.
    idle: Mutex<Vec<IdleConnection>>,
    /// This counter is incremented whenever a broken connection is found. Idle connections of an earlier generation
    /// are pinged before they are used.
    generation: AtomicU64,
    /// How often a connection was requested.
    acquire_count: AtomicU64,
    metrics: DatabaseMetrics,
}

struct IdleConnection {
    connection: PgConnection,
    since: Instant,
    generation: u64,
    has_short_timeout: bool,
}

impl Pool {
    /// Creates a pool without opening a connection.
    #[must_use]
    pub fn new(database: Database, settings: PoolSettings) -> Self {
        Self(Arc::new(PoolState {
            database,
            settings,
            shares: ConnectionShares::new(
                usize::try_from(settings.connections).unwrap_or(1),
                usize::try_from(settings.reserved_connections()).unwrap_or(1),
            ),
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
            acquire_count: AtomicU64::new(0),
            metrics: DatabaseMetrics::default(),
        }))
    }

    /// Acquires a connection for the work of the emulator itself, or before the project of a request is known.
    ///
    /// # Errors
    /// Returns the errors of [`Pool::acquire_for`].
    pub async fn acquire(&self) -> Result<PooledConnection, sqlx::Error> {
        self.acquire_of(Holder::Emulator).await
    }

    /// Acquires a connection for the work of a project. While others wait, a project gets only its share of the
    /// connections.
    ///
    /// # Errors
    /// Returns [`sqlx::Error::PoolTimedOut`] when no connection becomes available in time, [`sqlx::Error::PoolClosed`]
    /// after [`Pool::close`], or the error of a new connection.
    pub async fn acquire_for(&self, project: ProjectId) -> Result<PooledConnection, sqlx::Error> {
        self.acquire_of(Holder::Project(project)).await
    }

    /// Acquires a connection for a statement that answers requests of several projects.
    ///
    /// # Errors
    /// Returns the errors of [`Pool::acquire_for`].
    pub(super) async fn acquire_for_batch(&self) -> Result<PooledConnection, sqlx::Error> {
        self.acquire_of(Holder::Batches).await
    }

    async fn acquire_of(&self, holder: Holder) -> Result<PooledConnection, sqlx::Error> {
        let _statement = statement("pool.acquire");
        self.0.acquire_count.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let deadline = begun + self.0.settings.acquire_timeout;
        let permit = timeout(self.0.settings.acquire_timeout, self.0.shares.acquire(holder)).await;
        self.0.metrics.waited(begun.elapsed());
        let permit = permit
            .map_err(|_| {
                self.0.metrics.timed_out();
                sqlx::Error::PoolTimedOut
            })?
            .map_err(|Closed| sqlx::Error::PoolClosed)?;
        let generation = self.0.generation.load(Ordering::Relaxed);
        while let Some(mut idle) = self.take_idle() {
            let is_trusted = idle.generation == generation && idle.since.elapsed() < MAX_IDLE_WITHOUT_PING;
            let is_usable = if idle.has_short_timeout {
                let reset = set_statement_timeout(self.0.settings.statement_timeout);
                succeeds_in_time(idle.connection.execute(reset)).await
            } else {
                is_trusted || succeeds_in_time(idle.connection.ping()).await
            };
            if is_usable {
                return Ok(PooledConnection::new(idle.connection, permit, self.clone(), generation));
            }
        }
        let purpose = Purpose::Pool { statement_timeout: self.0.settings.statement_timeout };
        let connection = self.connect(purpose, deadline).await?;
        self.0.metrics.opened();
        Ok(PooledConnection::new(connection, permit, self.clone(), generation))
    }

    /// Acquires a connection for the work of the emulator itself, and begins a transaction.
    ///
    /// # Errors
    /// Returns the errors of [`Pool::acquire`], or an error when the statement fails.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        begin_on(self.acquire().await?).await
    }

    /// Acquires a connection for the work of a project, and begins a transaction.
    ///
    /// # Errors
    /// Returns the errors of [`Pool::acquire_for`], or an error when the statement fails.
    pub async fn begin_for(&self, project: ProjectId) -> Result<Transaction, sqlx::Error> {
        begin_on(self.acquire_for(project).await?).await
    }

    /// Begins a transaction of a project with `statements`, the first of which is `BEGIN`, in one round trip.
    /// Returns it with the last row that the statements return.
    ///
    /// # Errors
    /// Returns the errors of [`Pool::begin`].
    pub async fn begin_with(
        &self,
        project: ProjectId,
        statements: AssertSqlSafe<String>,
    ) -> Result<(Transaction, PgRow), sqlx::Error> {
        let mut connection = self.acquire_for(project).await?;
        connection.in_transaction = true;
        let mut rows = sqlx::raw_sql(statements).fetch_all(&mut *connection).await?;
        let row = rows.pop().ok_or(sqlx::Error::RowNotFound)?;
        Ok((Transaction(connection), row))
    }

    /// Returns the database and the schema that the connections use.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.0.database
    }

    /// Opens a connection that is none of the pool, with the settings of another purpose.
    pub(super) async fn connect_apart(&self, purpose: Purpose) -> Result<PgConnection, sqlx::Error> {
        self.connect(purpose, Instant::now() + self.0.settings.acquire_timeout).await
    }

    /// Returns how often a connection was requested.
    #[must_use]
    pub fn acquire_count(&self) -> u64 {
        self.0.acquire_count.load(Ordering::Relaxed)
    }

    /// Returns what the pool measures.
    #[must_use]
    pub fn metrics(&self) -> &DatabaseMetrics {
        &self.0.metrics
    }

    /// Returns how many connections there are now.
    #[must_use]
    pub fn sample(&self) -> PoolSample {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        let (in_use, waiting, limit) = self.0.shares.usage();
        PoolSample { idle, in_use, waiting, limit }
    }

    /// Waits until all connections are released, closes them, and rejects further requests for a connection.
    pub async fn close(&self) {
        self.0.shares.close().await;
        while let Some(idle) = self.take_idle() {
            let _ = idle.connection.close().await;
        }
    }

    /// Opens a connection. While the database is unavailable, for example while it starts, this is repeated until the
    /// deadline.
    async fn connect(&self, purpose: Purpose, deadline: Instant) -> Result<PgConnection, sqlx::Error> {
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            let error = match timeout(remaining, self.0.database.connect(purpose)).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) if is_unavailable(&error) => error,
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(sqlx::Error::PoolTimedOut),
            };
            if deadline.saturating_duration_since(Instant::now()) < CONNECT_RETRY_DELAY {
                return Err(error);
            }
            sleep(CONNECT_RETRY_DELAY).await;
        }
    }

    fn take_idle(&self) -> Option<IdleConnection> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn return_idle(&self, connection: PgConnection, generation: u64, has_short_timeout: bool) {
        let idle = IdleConnection { connection, since: Instant::now(), generation, has_short_timeout };
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
    }
}

/// A connection from a pool. [`PooledConnection::release`] returns it to the pool. When it is dropped instead, it is
/// returned only if the database still responds.
#[derive(Debug)]
pub struct PooledConnection {
    /// `None` after the connection was returned to the pool.
    inner: Option<(PgConnection, Permit)>,
    pool: Pool,
    generation: u64,
    in_transaction: bool,
    has_short_timeout: bool,
}

impl PooledConnection {
    fn new(connection: PgConnection, permit: Permit, pool: Pool, generation: u64) -> Self {
        Self { inner: Some((connection, permit)), pool, generation, in_transaction: false, has_short_timeout: false }
    }

    /// Shortens the time limit of the following statements, because a client has composed them, for example as filters.
    ///
    /// # Errors
    /// Returns an error when the statement fails.
    pub async fn shorten_statement_timeout(&mut self) -> Result<(), sqlx::Error> {
        self.has_short_timeout = true;
        let shortened = set_statement_timeout(self.pool.0.settings.composed_statement_timeout());
        self.execute(shortened).await.map(drop)
    }

    /// Returns the connection to the pool after its work has succeeded.
    pub fn release(mut self) {
        if let Some((connection, permit)) = self.inner.take() {
            self.pool.return_idle(connection, self.generation, self.has_short_timeout);
            drop(permit);
        }
    }

    /// Closes the connection instead of returning it, for example because its settings were changed.
    pub async fn close(mut self) {
        if let Some((connection, _permit)) = self.inner.take() {
            let _ = connection.close().await;
        }
    }
}

impl Deref for PooledConnection {
    type Target = PgConnection;

    #[expect(clippy::unreachable, reason = "the methods that return the connection consume the value")]
    fn deref(&self) -> &PgConnection {
        match &self.inner {
            Some((connection, _)) => connection,
            None => unreachable!("the connection was already returned to the pool"),
        }
    }
}

impl DerefMut for PooledConnection {
    #[expect(clippy::unreachable, reason = "the methods that return the connection consume the value")]
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.inner {
            Some((connection, _)) => connection,
            None => unreachable!("the connection was already returned to the pool"),
        }
    }
}

impl Drop for PooledConnection {
    /// Handles failed work: rolls back the transaction, if there is one, and returns the connection to the pool if the
    /// database still responds.
    fn drop(&mut self) {
        let Some((mut connection, permit)) = self.inner.take() else { return };
        let (pool, generation, in_transaction) = (self.pool.clone(), self.generation, self.in_transaction);
        let has_short_timeout = self.has_short_timeout;
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let is_usable = if in_transaction {
                succeeds_in_time(connection.execute("ROLLBACK")).await
            } else {
                succeeds_in_time(connection.ping()).await
            };
            if is_usable {
                pool.return_idle(connection, generation, has_short_timeout);
            } else {
                pool.0.generation.fetch_add(1, Ordering::Relaxed);
            }
            drop(permit);
        });
    }
}

async fn begin_on(mut connection: PooledConnection) -> Result<Transaction, sqlx::Error> {
    connection.execute("BEGIN").await?;
    connection.in_transaction = true;
    Ok(Transaction(connection))
}

fn set_statement_timeout(timeout: Duration) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SET statement_timeout = {}", timeout.as_millis()))
}

/// Returns whether a statement succeeds within [`PING_TIMEOUT`].
async fn succeeds_in_time<T>(statement: impl Future<Output = Result<T, sqlx::Error>>) -> bool {
    timeout(PING_TIMEOUT, statement).await.is_ok_and(|result| result.is_ok())
}

/// A transaction. It is rolled back when it is dropped before [`Transaction::commit`].
#[derive(Debug)]
pub struct Transaction(PooledConnection);

impl Transaction {
    /// Commits the transaction.
    ///
    /// # Errors
    /// Returns an error when the commit fails, or when the response is lost: then it is unknown whether the
    /// transaction is committed.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        let _statement = statement("pool.commit");
        self.0.execute("COMMIT").await?;
        self.0.release();
        Ok(())
    }

    /// Rolls the transaction back and waits until the rollback has finished. When a transaction is dropped instead, a
    /// background task rolls it back later.
    pub async fn roll_back(mut self) {
        // If the rollback fails, dropping the connection checks it.
        if succeeds_in_time(self.0.execute("ROLLBACK")).await {
            self.0.release();
        }
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_contain_the_password() {
        let options = sqlx::postgres::PgConnectOptions::new_without_pgpass().password("hidden");
        let database = Database::new(options, crate::domain::database_schema::DatabaseSchema::default());
        let printed = format!("{:?}", Pool::new(database, PoolSettings::default()));
        assert!(printed.contains("statement_timeout") && !printed.contains("hidden"), "{printed}");
    }
}
