//! The pool of connections.
//!
//! The pool of sqlx asks the database for a sign of life whenever a connection comes back, which is a second round trip
//! and a task for every request. Here a connection that did its work is simply kept; only one whose work failed is looked
//! at before anyone else gets it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use super::error::is_unavailable;

/// A connection that has rested for longer is asked for a sign of life before it is used.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// How long a sign of life may take.
const SIGN_OF_LIFE_WITHIN: Duration = Duration::from_secs(2);
/// How long a refused connection waits for its next attempt.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// How connections are held.
#[derive(Clone, Copy, Debug)]
pub struct PoolSettings {
    pub connections: u32,
    /// How long a request waits for a connection before it is answered 503.
    pub acquire_timeout: Duration,
    /// How long one statement may run before the database ends it.
    pub statement_timeout: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self { connections: 8, acquire_timeout: Duration::from_secs(2), statement_timeout: Duration::from_secs(30) }
    }
}

/// Connections to one database, at most so many; made when they are first needed.
#[derive(Clone)]
pub struct Pool(Arc<Shared>);

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the options, which may hold a password.
        formatter.debug_struct("Pool").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

struct Shared {
    options: PgConnectOptions,
    settings: PoolSettings,
    permits: Arc<Semaphore>,
    /// The connection that came back last is the next to be used.
    idle: Mutex<Vec<Idle>>,
    /// Counts the times that a connection turned out to be dead: older ones are not trusted then.
    generation: AtomicU64,
    /// Counts the pieces of work that there were.
    uses: AtomicU64,
}

struct Idle {
    connection: PgConnection,
    since: Instant,
    generation: u64,
}

impl Pool {
    /// A pool on `options`, which connects when it is first asked to.
    #[must_use]
    pub fn new(options: PgConnectOptions, settings: PoolSettings) -> Self {
        Self(Arc::new(Shared {
            options: options.application_name("voucherify-emulator").disable_statement_logging(),
            settings,
            permits: Arc::new(Semaphore::new(usize::try_from(settings.connections).unwrap_or(1))),
            idle: Mutex::default(),
            generation: AtomicU64::new(0),
            uses: AtomicU64::new(0),
        }))
    }

    /// A connection for one piece of work.
    ///
    /// # Errors
    /// [`sqlx::Error::PoolTimedOut`] when none is free in time, [`sqlx::Error::PoolClosed`] after [`Pool::close`], or
    /// what a new connection met.
    pub async fn acquire(&self) -> Result<Session, sqlx::Error> {
        self.0.uses.fetch_add(1, Ordering::Relaxed);
        let until = Instant::now() + self.0.settings.acquire_timeout;
        let permit = match Arc::clone(&self.0.permits).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => timeout(self.0.settings.acquire_timeout, Arc::clone(&self.0.permits).acquire_owned())
                .await
                .map_err(|_| sqlx::Error::PoolTimedOut)?
                .map_err(|_| sqlx::Error::PoolClosed)?,
        };
        let generation = self.0.generation.load(Ordering::Relaxed);
        while let Some(mut idle) = self.take_idle() {
            let is_fresh = idle.generation == generation && idle.since.elapsed() < TRUSTED_FOR;
            if is_fresh || within(idle.connection.ping()).await {
                return Ok(Session::new(idle.connection, permit, self.clone(), generation));
            }
        }
        let connection = self.connect(until).await?;
        Ok(Session::new(connection, permit, self.clone(), generation))
    }

    /// A connection with a transaction on it.
    ///
    /// # Errors
    /// As [`Pool::acquire`], or when the database refuses.
    pub async fn begin(&self) -> Result<Transaction, sqlx::Error> {
        let mut session = self.acquire().await?;
        session.execute("BEGIN").await?;
        session.in_transaction = true;
        Ok(Transaction(session))
    }

    /// [`Pool::begin`], and the first row of what stands behind the `BEGIN` in `statements`, in one round trip.
    ///
    /// # Errors
    /// As [`Pool::begin`].
    pub async fn begin_with(&self, statements: AssertSqlSafe<String>) -> Result<(Transaction, PgRow), sqlx::Error> {
        let mut session = self.acquire().await?;
        session.in_transaction = true;
        let row = sqlx::raw_sql(statements).fetch_one(&mut *session).await?;
        Ok((Transaction(session), row))
    }

    /// How often a connection was asked for.
    #[must_use]
    pub fn uses(&self) -> u64 {
        self.0.uses.load(Ordering::Relaxed)
    }

    /// Lets no work begin any more, waits until all has ended, and closes the connections.
    pub async fn close(&self) {
        let all = self.0.settings.connections;
        // Those who wait already are let go first, in the order in which they came.
        let ended = Arc::clone(&self.0.permits).acquire_many_owned(all).await;
        self.0.permits.close();
        while let Some(idle) = self.take_idle() {
            let _ = idle.connection.close().await;
        }
        drop(ended);
    }

    /// A new connection; a database that is just starting is waited for until the time is up.
    async fn connect(&self, until: Instant) -> Result<PgConnection, sqlx::Error> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let refusal = match timeout(left, self.connect_once()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) if is_unavailable(&error) => error,
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(sqlx::Error::PoolTimedOut),
            };
            if until.saturating_duration_since(Instant::now()) < RETRY_AFTER {
                return Err(refusal);
            }
            sleep(RETRY_AFTER).await;
        }
    }

    async fn connect_once(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.0.options.connect().await?;
        let session = format!(
            "SET statement_timeout = {0}; SET idle_in_transaction_session_timeout = {0}; SET jit = off;
             SET timezone = 'UTC'; SET client_min_messages = error",
            self.0.settings.statement_timeout.as_millis()
        );
        connection.execute(AssertSqlSafe(session)).await?;
        Ok(connection)
    }

    fn take_idle(&self) -> Option<Idle> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, connection: PgConnection, generation: u64) {
        let idle = Idle { connection, since: Instant::now(), generation };
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).push(idle);
    }
}

/// A connection for one piece of work. [`Session::release`] gives it back; dropped without that, it is looked at first.
#[derive(Debug)]
pub struct Session {
    /// `None` once it was given back.
    held: Option<(PgConnection, OwnedSemaphorePermit)>,
    pool: Pool,
    generation: u64,
    in_transaction: bool,
}

impl Session {
    fn new(connection: PgConnection, permit: OwnedSemaphorePermit, pool: Pool, generation: u64) -> Self {
        Self { held: Some((connection, permit)), pool, generation, in_transaction: false }
    }

    /// Gives the connection back after work that went well.
    pub fn release(mut self) {
        if let Some((connection, permit)) = self.held.take() {
            self.pool.keep(connection, self.generation);
            drop(permit);
        }
    }

    /// Closes the connection, whose settings are not those of the others.
    pub async fn close(mut self) {
        if let Some((connection, _permit)) = self.held.take() {
            let _ = connection.close().await;
        }
    }
}

impl Deref for Session {
    type Target = PgConnection;

    #[expect(clippy::unreachable, reason = "what gives the connection back takes the session")]
    fn deref(&self) -> &PgConnection {
        match &self.held {
            Some((connection, _)) => connection,
            None => unreachable!("a session that was given back"),
        }
    }
}

impl DerefMut for Session {
    #[expect(clippy::unreachable, reason = "what gives the connection back takes the session")]
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.held {
            Some((connection, _)) => connection,
            None => unreachable!("a session that was given back"),
        }
    }
}

impl Drop for Session {
    /// The work failed: rolls back what it began, and keeps the connection if it still answers.
    fn drop(&mut self) {
        let Some((mut connection, permit)) = self.held.take() else { return };
        let (pool, generation, in_transaction) = (self.pool.clone(), self.generation, self.in_transaction);
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            let is_settled = if in_transaction {
                within(connection.execute("ROLLBACK")).await
            } else {
                within(connection.ping()).await
            };
            if is_settled {
                pool.keep(connection, generation);
            } else {
                pool.0.generation.fetch_add(1, Ordering::Relaxed);
            }
            drop(permit);
        });
    }
}

/// Whether the database answers, and soon.
async fn within<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> bool {
    timeout(SIGN_OF_LIFE_WITHIN, answer).await.is_ok_and(|answer| answer.is_ok())
}

/// A transaction; dropped before [`Transaction::commit`], it is rolled back.
#[derive(Debug)]
pub struct Transaction(Session);

impl Transaction {
    /// Makes what was done last.
    ///
    /// # Errors
    /// When the database refuses, or its answer is lost: then nobody knows whether it did.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.0.execute("COMMIT").await?;
        self.0.release();
        Ok(())
    }

    /// Undoes what was done, and waits for that. (Dropped, a transaction is rolled back as well, but nobody knows when.)
    pub async fn roll_back(mut self) {
        // A connection that does not answer is looked after when it is dropped.
        if within(self.0.execute("ROLLBACK")).await {
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
    fn what_is_printed_shows_no_password() {
        let options = PgConnectOptions::new_without_pgpass().password("hidden");
        let printed = format!("{:?}", Pool::new(options, PoolSettings::default()));
        assert!(printed.contains("statement_timeout") && !printed.contains("hidden"), "{printed}");
    }
}
