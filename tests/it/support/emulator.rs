//! An emulator with a database of its own, for tests that need SQL, a fixed clock, options or restarts.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use futures_util::future::join_all;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use tokio::sync::{Semaphore, SemaphorePermit};
use voucherify_emulator::app::{self, Addresses};
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::Config;
use voucherify_emulator::db::pool::{Pool, PoolSettings};
use voucherify_emulator::service::Core;
use voucherify_emulator::worker::Workers;

use super::TestProject;
use super::citus;
use super::database::Database;

/// An emulator with a database of its own, which is dropped with the emulator. It dereferences to its default project.
pub struct TestEmulator {
    default_project: TestProject,
    /// A pool of one connection, for SQL statements of the test.
    pub pool: PgPool,
    /// The emulator's own connections.
    pub connections: Pool,
    pub clock: Clock,
    /// Dropped before the database, which the workers use.
    workers: Option<Workers>,
    database: Arc<Database>,
    config: Config,
    core: Arc<Core>,
    /// `None` when the emulator shares the database of another one, which has the permit.
    _permit: Option<SemaphorePermit<'static>>,
}

/// A running emulator with its workers.
pub(super) struct Running {
    pub router: Router,
    pub connections: Pool,
    pub core: Arc<Core>,
    pub workers: Workers,
}

/// Returns the options of a test emulator before the test changes them.
pub(super) fn default_config() -> Config {
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 8682)).into(),
        request_timeout: Duration::from_secs(20),
        connections: TestEmulator::CONNECTIONS,
        ..Config::default()
    }
}

/// Returns the address of the options, on which no test emulator listens.
fn addresses(config: &Config) -> Addresses {
    config.listen.to_string().parse::<SocketAddr>().unwrap().into()
}

/// Starts an emulator on the current runtime. What it logs as an error is shown with the output of a failed test.
pub(super) async fn start(database: &Database, clock: Clock, config: &Config, connections: u32) -> Running {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::ERROR).with_ansi(false).with_test_writer();
    // Another test has set it already.
    let _ = log.try_init();
    let connections = Pool::new(database.target(), PoolSettings { connections, ..PoolSettings::default() });
    let app = app::app(config, clock, connections.clone(), &addresses(config)).await.unwrap();
    let workers = Workers::start(&app.core, database.target(), 2, app::delivery_settings(config).unwrap());
    let core = Arc::clone(&app.core);
    let router = Router::new().fallback_service(app::service(config, Arc::new(app), &addresses(config)));
    Running { router, connections, core, workers }
}

impl Deref for TestEmulator {
    type Target = TestProject;

    fn deref(&self) -> &TestProject {
        &self.default_project
    }
}

impl TestEmulator {
    /// How many connections an emulator with a database of its own has. The cluster accepts 60, and some tests start several.
    pub const CONNECTIONS: u32 = 4;

    pub async fn new() -> Self {
        Self::with(Clock::System, |_| {}).await
    }

    /// Starts an emulator with a fixed clock, which shows `time` until the test changes it.
    pub async fn at(time: &str) -> Self {
        Self::with(Clock::fixed(time.parse().unwrap()), |_| {}).await
    }

    /// Starts an emulator with changed options.
    pub async fn with(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        // The cluster accepts 100 connections. An emulator uses up to 9 and the shared one 12, and a machine with many
        // cores runs many tests at the same time.
        static PERMITS: Semaphore = Semaphore::const_new(4);
        let permit = PERMITS.acquire().await.unwrap();
        let mut config = default_config();
        change(&mut config);
        Self { _permit: Some(permit), ..Self::on(Arc::new(Database::new()), clock, config).await }
    }

    /// Returns the URL of the database.
    pub fn database_url(&self) -> String {
        self.database.url()
    }

    /// Starts another emulator on the same database.
    pub async fn start_another(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        Self::on(Arc::clone(&self.database), self.clock.clone(), config).await
    }

    /// Returns the error with which another emulator on the same database fails to start.
    pub async fn startup_error(&self, change: impl FnOnce(&mut Config)) -> String {
        let mut config = self.config.clone();
        change(&mut config);
        let pool = self.connections.clone();
        match app::app(&config, self.clock.clone(), pool, &addresses(&config)).await {
            Ok(_) => panic!("the emulator started"),
            Err(error) => error.to_string(),
        }
    }

    /// Starts `count` other emulators on the same database at the same time.
    pub async fn start_concurrently(&self, count: usize) {
        let addresses = addresses(&self.config);
        let start = || app::app(&self.config, self.clock.clone(), self.connections.clone(), &addresses);
        for started in join_all((0..count).map(|_| start())).await {
            started.unwrap();
        }
    }

    async fn on(database: Arc<Database>, clock: Clock, config: Config) -> Self {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database.options());
        let Running { router, connections, core, workers } =
            start(&database, clock.clone(), &config, TestEmulator::CONNECTIONS).await;
        let default_project = TestProject::default_of(router);
        let workers = Some(workers);
        Self { default_project, pool, connections, clock, workers, database, config, core, _permit: None }
    }

    /// Returns whether its database is distributed.
    pub fn is_distributed(&self) -> bool {
        self.core.pending_work.is_distributed()
    }

    /// Notes that the project of the customers may have a job to run, as a request that adds a job does on a distributed database.
    pub async fn note_job(&self) {
        let project: i64 = sqlx::query_scalar("SELECT project_id FROM customers").fetch_one(&self.pool).await.unwrap();
        sqlx::query("INSERT INTO pending_work (project_id, kind, due_at, noted_at) VALUES ($1, 'job', now(), now())")
            .bind(project)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Sets the clock and wakes the delivery worker.
    pub fn set_clock(&self, time: &str) {
        self.clock.set(time.parse().unwrap());
        self.core.delivery_notifier.notify();
    }

    /// Deletes expired deliveries, as a worker does at intervals.
    pub async fn expire_deliveries(&self) {
        voucherify_emulator::service::webhooks::expire(&self.core).await.unwrap();
    }

    /// Deletes expired unconfirmed customers, as a worker does at intervals.
    pub async fn expire_unconfirmed_customers(&self) {
        voucherify_emulator::service::unconfirmed_customers::expire(&self.core).await.unwrap();
    }

    /// Sends the last spans to the collector, as the stop of a server does.
    pub async fn stop_tracing(&self) {
        self.core.tracer.stop(tokio::time::Instant::now() + Duration::from_secs(5)).await;
    }

    /// Stops the workers. The emulator still accepts jobs, which another emulator on the same database can run.
    pub async fn stop_workers(&mut self) {
        if let Some(workers) = self.workers.take() {
            workers.stop().await;
        }
    }

    /// Locks the customer with this source id until the returned transaction ends.
    pub async fn lock_customer(&self, source_id: &str) -> Transaction<'static, Postgres> {
        let mut blocker = self.pool.begin().await.unwrap();
        let project: i64 = sqlx::query_scalar("SELECT project_id FROM customers WHERE source_id = $1")
            .bind(source_id)
            .fetch_one(&mut *blocker)
            .await
            .unwrap();
        sqlx::query("SELECT FROM customers WHERE project_id = $2 AND source_id = $1 FOR UPDATE")
            .bind(source_id)
            .bind(project)
            .execute(&mut *blocker)
            .await
            .unwrap();
        blocker
    }

    /// Waits until at least `count` statements wait for a lock. `observer` is the connection that counts them.
    pub async fn wait_until_blocked(observer: &mut PgConnection, count: i64) {
        let start = Instant::now();
        loop {
            // A transaction keeps its first snapshot of the statistics, so the snapshot must be cleared.
            sqlx::query("SELECT pg_stat_clear_snapshot()").execute(&mut *observer).await.unwrap();
            let waiting: i64 =
                sqlx::query_scalar(AssertSqlSafe(citus::lock_waits())).fetch_one(&mut *observer).await.unwrap();
            if waiting >= count {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(15), "{waiting} of {count} statements wait");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns the tables that contain this text in any column.
    pub async fn tables_with(&self, text: &str) -> Vec<String> {
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
                .fetch_all(&self.pool)
                .await
                .unwrap();
        let mut found = Vec::new();
        for table in tables {
            let statement = format!("SELECT EXISTS (SELECT 1 FROM {table} t WHERE strpos(t::text, $1) > 0)");
            let contains_text: bool =
                sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(text).fetch_one(&self.pool).await.unwrap();
            if contains_text {
                found.push(table);
            }
        }
        found
    }
}
