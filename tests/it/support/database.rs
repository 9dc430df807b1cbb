//! One cluster for the whole run. A test that needs a database gets a copy of a migrated template, or one that an earlier
//! test has left, emptied: creating a database costs ten times as much as emptying one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection};
use voucherify_emulator::db::connect;
use voucherify_emulator::db::pool::{Pool, PoolSettings};
use voucherify_emulator::db::session::Database as EmulatorDatabase;
use voucherify_emulator::domain::database_schema::{DEFAULT_DATABASE_SCHEMA, DatabaseSchema};
use voucherify_emulator::postgres::{Cluster, Durability, Programs};

use super::citus;

const TEMPLATE: &str = "template_of_tests";

/// What the definitions of a database come to: two databases with the same value differ in rows and sequences only. A copy has
/// the identifiers of objects that its template has.
const FINGERPRINT: &str = "
    SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
        SELECT concat_ws(' ', 'class', oid, relname, relkind) FROM pg_class
            WHERE oid >= 16384 AND relkind IN ('r', 'i', 'S', 'v')
        UNION ALL SELECT concat_ws(' ', 'analysed', oid, reltuples) FROM pg_class WHERE oid >= 16384 AND relkind = 'r'
        UNION ALL SELECT concat_ws(' ', 'column', attrelid, attnum, attname, atttypid, attnotnull) FROM pg_attribute
            WHERE attrelid >= 16384
        UNION ALL SELECT concat_ws(' ', 'function', oid, proname, md5(prosrc)) FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT concat_ws(' ', 'trigger', oid, tgname, tgenabled) FROM pg_trigger
        UNION ALL SELECT concat_ws(' ', 'constraint', oid, conname) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT concat_ws(' ', 'schema', oid, nspname) FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'
    ) AS definitions (line)";

/// The cluster and what its template is like.
struct Template {
    cluster: Cluster,
    fingerprint: String,
    /// The tables that have rows in the template, with a digest of them.
    filled: Vec<(String, String)>,
    /// The tables that are empty in the template.
    empty: Vec<String>,
    /// A statement that gives every sequence the value that it has in the template.
    reset_sequences: String,
}

static TEMPLATE_CLUSTER: LazyLock<Template> = LazyLock::new(|| {
    let cluster = Cluster::start(&Durability::Ephemeral, &Programs::default()).expect("a private cluster");
    let (main, template) = (cluster.main_database(), cluster.options(TEMPLATE));
    let (fingerprint, filled, empty, reset_sequences) = blocking(async move {
        let mut connection = connect_to(&main).await;
        execute(&mut connection, format!("CREATE DATABASE {TEMPLATE}")).await;
        connection.close().await.unwrap();
        let pool = Pool::new(emulator_database(template.clone()), PoolSettings::default());
        connect::migrate(&pool).await.unwrap();
        pool.close().await;
        let mut connection = connect_to(&in_schema(template)).await;
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        let with_rows = with_rows(&mut connection, &tables).await;
        let (filled, empty): (Vec<_>, Vec<_>) = tables.into_iter().partition(|table| with_rows.contains(table));
        let mut digests = Vec::new();
        for table in filled {
            let digest = digest(&mut connection, &table).await;
            digests.push((table, digest));
        }
        let fingerprint = sqlx::query_scalar(FINGERPRINT).fetch_one(&mut connection).await.unwrap();
        let reset_sequences = sqlx::query_scalar(
            "SELECT string_agg(format('SELECT setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
                coalesce(last_value, start_value), last_value IS NOT NULL), '; ') FROM pg_sequences",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
        (fingerprint, digests, empty, reset_sequences)
    });
    Template { cluster, fingerprint, filled, empty, reset_sequences }
});

/// Databases that no test uses now, as they were when they were created.
static UNUSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn unused() -> std::sync::MutexGuard<'static, Vec<String>> {
    UNUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty database for one test, which is emptied and used again when the test ends.
pub struct Database {
    name: String,
}

impl Database {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        if let Some(name) = unused().pop() {
            return Self { name };
        }
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        if let Some(nodes) = citus::nodes() {
            let created = name.clone();
            blocking(async move { citus::create(nodes, &created).await });
            return Self { name };
        }
        let cluster = &TEMPLATE_CLUSTER.cluster;
        let (main, created) = (cluster.main_database(), name.clone());
        blocking(async move {
            let mut connection = connect_to(&main).await;
            let strategy = if is_15_or_later(&mut connection).await { "STRATEGY FILE_COPY" } else { "" };
            execute(&mut connection, format!("CREATE DATABASE {created} TEMPLATE {TEMPLATE} {strategy}")).await;
            connection.close().await.unwrap();
        });
        Self { name }
    }

    /// Creates a database with an encoding, without the tables of an emulator.
    pub fn with_encoding(encoding: &'static str) -> Self {
        let name = format!("encoding_{}", encoding.to_lowercase());
        let (main, created) = (TEMPLATE_CLUSTER.cluster.main_database(), name.clone());
        blocking(async move {
            let mut connection = connect_to(&main).await;
            let database = format!("CREATE DATABASE {created} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0");
            execute(&mut connection, database).await;
            connection.close().await.unwrap();
        });
        Self { name }
    }

    /// Creates a user who may connect to the database and nothing else, and returns the name. `connection` is one to the database.
    pub async fn user_without_rights(&self, connection: &mut PgConnection) -> String {
        let (name, database) = (format!("user_of_{}", self.name), &self.name);
        execute(connection, format!("DROP ROLE IF EXISTS {name}")).await;
        execute(connection, format!("CREATE ROLE {name} LOGIN; REVOKE CREATE ON DATABASE {database} FROM PUBLIC"))
            .await;
        name
    }

    /// Returns the URL of the database for a user.
    pub fn url_of(&self, user: &str) -> String {
        self.plain_options().username(user).to_url_lossy().to_string()
    }

    /// Returns the URL of the database.
    pub fn url(&self) -> String {
        self.plain_options().to_url_lossy().to_string()
    }

    /// Returns the options of a connection of the test, whose statements find the tables of the emulator.
    pub fn options(&self) -> PgConnectOptions {
        in_schema(self.plain_options())
    }

    /// Returns the database as the emulator uses it.
    pub fn target(&self) -> EmulatorDatabase {
        emulator_database(self.plain_options())
    }

    fn plain_options(&self) -> PgConnectOptions {
        match citus::nodes() {
            Some(nodes) => nodes[0].clone().database(&self.name),
            None => TEMPLATE_CLUSTER.cluster.options(&self.name),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(nodes) = citus::nodes() {
            let name = self.name.clone();
            if !thread::panicking() && blocking(async move { citus::empty(nodes, &name).await }) {
                unused().push(self.name.clone());
            }
            return;
        }
        let (main, own, name) = (TEMPLATE_CLUSTER.cluster.main_database(), self.options(), self.name.clone());
        let is_panicking = thread::panicking();
        blocking(async move {
            let mut connection = connect_to(&main).await;
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
            sqlx::query(end).bind(&name).execute(&mut connection).await.unwrap();
            if !is_panicking && is_as_created(&own).await {
                unused().push(name);
            } else {
                execute(&mut connection, format!("DROP DATABASE {name} WITH (FORCE)")).await;
            }
            connection.close().await.unwrap();
        });
    }
}

pub(super) fn emulator_database(options: PgConnectOptions) -> EmulatorDatabase {
    EmulatorDatabase::new(options, DatabaseSchema::default())
}

pub(super) fn in_schema(options: PgConnectOptions) -> PgConnectOptions {
    options.options([("search_path", DEFAULT_DATABASE_SCHEMA)])
}

/// Empties the database, and returns whether it is then equal to the template. A test may have changed its definitions.
async fn is_as_created(database: &PgConnectOptions) -> bool {
    let Template { fingerprint, filled, empty, reset_sequences, .. } = &*TEMPLATE_CLUSTER;
    let mut connection = connect_to(database).await;
    let has_settings = "SELECT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                        WHERE d.datname = current_database())";
    if sqlx::query_scalar(has_settings).fetch_one(&mut connection).await.unwrap() {
        return false;
    }
    // A table was renamed or removed where this fails.
    let Ok(with_rows) = try_with_rows(&mut connection, empty).await else { return false };
    if !with_rows.is_empty() {
        execute(&mut connection, format!("TRUNCATE {} CASCADE", with_rows.join(", "))).await;
    }
    execute(
        &mut connection,
        format!("{reset_sequences}; DELETE FROM pg_statistic WHERE starelid >= 16384; SELECT pg_stat_reset()"),
    )
    .await;
    for (table, rows) in filled {
        if digest(&mut connection, table).await != *rows {
            return false;
        }
    }
    let left: String = sqlx::query_scalar(FINGERPRINT).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    left == *fingerprint
}

/// Returns those of the tables that have rows.
async fn with_rows(connection: &mut PgConnection, tables: &[String]) -> Vec<String> {
    try_with_rows(connection, tables).await.unwrap()
}

async fn try_with_rows(connection: &mut PgConnection, tables: &[String]) -> Result<Vec<String>, sqlx::Error> {
    let tests = tables.iter().map(|table| format!("SELECT '{table}' WHERE EXISTS (SELECT FROM {table})"));
    let statement = tests.collect::<Vec<_>>().join(" UNION ALL ");
    sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(connection).await
}

async fn digest(connection: &mut PgConnection, table: &str) -> String {
    let statement = format!("SELECT md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM {table} t");
    sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(connection).await.unwrap()
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

/// Connects, and waits while all connections of the cluster are in use: tests with several emulators need many of them.
pub(super) async fn connect_to(options: &PgConnectOptions) -> PgConnection {
    const TOO_MANY_CONNECTIONS: &str = "53300";
    for _ in 0..100 {
        match options.connect().await {
            Err(error)
                if error.as_database_error().and_then(DatabaseError::code).as_deref() == Some(TOO_MANY_CONNECTIONS) =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            connected => return connected.unwrap(),
        }
    }
    options.connect().await.unwrap()
}

pub(super) async fn execute(connection: &mut PgConnection, statement: String) {
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
}

/// Runs `work` on a thread with a runtime of its own, because tests are inside a runtime already.
fn blocking<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    thread::spawn(move || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work))
        .join()
        .unwrap()
}
