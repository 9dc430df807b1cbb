//! One cluster for the whole run, one database per test, copied from a migrated template.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::thread;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use voucherify_emulator::db::connect;
use voucherify_emulator::db::pool::{Pool, PoolSettings};
use voucherify_emulator::postgres::{Cluster, Durability};

const TEMPLATE: &str = "template_of_tests";

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let cluster = Cluster::start(&Durability::Ephemeral).expect("a private cluster");
    let (main, template) = (cluster.main_database(), cluster.options(TEMPLATE));
    blocking(async move {
        let mut connection = main.connect().await.unwrap();
        execute(&mut connection, format!("CREATE DATABASE {TEMPLATE}")).await;
        let pool = Pool::new(template, PoolSettings::default());
        connect::migrate(&pool).await.unwrap();
        pool.close().await;
        connection.close().await.unwrap();
    });
    cluster
});

/// A database that goes when the test ends.
pub struct Database {
    name: String,
}

impl Database {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let (main, created) = (CLUSTER.main_database(), name.clone());
        blocking(async move {
            let mut connection = main.connect().await.unwrap();
            let strategy = if is_15_or_later(&mut connection).await { "STRATEGY FILE_COPY" } else { "" };
            execute(&mut connection, format!("CREATE DATABASE {created} TEMPLATE {TEMPLATE} {strategy}")).await;
            connection.close().await.unwrap();
        });
        Self { name }
    }

    pub fn options(&self) -> PgConnectOptions {
        CLUSTER.options(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (main, name) = (CLUSTER.main_database(), self.name.clone());
        blocking(async move {
            let mut connection = main.connect().await.unwrap();
            execute(&mut connection, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        });
    }
}

async fn is_15_or_later(connection: &mut PgConnection) -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    if let Some(answer) = ANSWER.get() {
        return *answer;
    }
    let version: i32 =
        sqlx::query_scalar("SELECT current_setting('server_version_num')::int").fetch_one(connection).await.unwrap();
    *ANSWER.get_or_init(|| version >= 150_000)
}

async fn execute(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
}

/// Runs `work` on a thread with a runtime of its own: tests have one already.
fn blocking(work: impl Future<Output = ()> + Send + 'static) {
    thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    })
    .join()
    .unwrap();
}
