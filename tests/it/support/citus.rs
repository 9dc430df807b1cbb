//! Databases on a Citus cluster instead of the cluster of the tests, where `TEST_CITUS_NODES` names one: the URLs of its nodes,
//! separated by blanks, first the coordinator. `CONTRIBUTING.md` explains how the suite runs on it.

use std::sync::{LazyLock, OnceLock};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use voucherify_emulator::db::pool::{Pool, PoolSettings};
use voucherify_emulator::db::{connect, distribution};

use super::database::{connect_to, emulator_database, execute, in_schema};

static NODES: LazyLock<Option<Vec<PgConnectOptions>>> = LazyLock::new(|| {
    let urls = std::env::var("TEST_CITUS_NODES").ok()?;
    Some(urls.split_whitespace().map(|url| url.parse().expect("the URL of a node")).collect())
});

/// What the definitions of a database come to. A copy of a database has other identifiers of objects, so they are left out.
const FINGERPRINT: &str = "
    SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
        SELECT concat_ws(' ', 'schema', nspname) FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'
        UNION ALL SELECT concat_ws(' ', 'column', attrelid::regclass, attname, atttypid, attnotnull) FROM pg_attribute
            JOIN pg_class c ON c.oid = attrelid
            WHERE relnamespace = ANY (ARRAY[to_regnamespace('voucherify_emulator'), to_regnamespace('public')]) AND attnum > 0
        UNION ALL SELECT concat_ws(' ', 'function', proname, md5(prosrc)) FROM pg_proc
            WHERE pronamespace = ANY (ARRAY[to_regnamespace('voucherify_emulator'), to_regnamespace('public')])
        UNION ALL SELECT concat_ws(' ', 'setting', setconfig::text) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
            WHERE d.datname = current_database()
    ) AS definitions (line)";

/// The fingerprint of the databases that [`create`] has created, and the number of their migrations.
static CREATED: OnceLock<(String, i64)> = OnceLock::new();

/// Returns the nodes of the cluster, first the coordinator, or `None` where the tests do not run on Citus.
pub fn nodes() -> Option<&'static [PgConnectOptions]> {
    NODES.as_deref()
}

/// Returns whether the tests run on Citus, and says then that the running test is skipped, and why.
pub fn skips(reason: &str) -> bool {
    if nodes().is_some() {
        eprintln!("skipped on Citus: {reason}");
    }
    nodes().is_some()
}

/// Does the same as [`skips`] for a test that creates a trigger.
pub fn skips_triggers() -> bool {
    skips("a distributed table has no triggers")
}

/// Returns the query for the number of statements that wait for a lock. On Citus, one may wait on any node.
pub fn lock_waits() -> String {
    let own = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    match nodes() {
        None => own.to_owned(),
        Some(_) => format!("SELECT ({own}) + (SELECT count(DISTINCT waiting_gpid) FROM citus_lock_waits)"),
    }
}

/// Creates a database on every node, migrates it, and distributes its tables.
pub async fn create(nodes: &'static [PgConnectOptions], name: &str) {
    for node in nodes {
        let mut connection = connect_to(node).await;
        execute(&mut connection, "SET citus.enable_create_database_propagation = off".to_owned()).await;
        execute(&mut connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        execute(&mut connection, format!("CREATE DATABASE {name}")).await;
        connection.close().await.unwrap();
        let mut connection = connect_to(&node.clone().database(name)).await;
        connection.execute("CREATE EXTENSION citus").await.unwrap();
        connection.close().await.unwrap();
    }
    let database = nodes[0].clone().database(name);
    let mut connection = connect_to(&database).await;
    let coordinator = &nodes[0];
    let add = format!("SELECT citus_set_coordinator_host('{}', {})", coordinator.get_host(), coordinator.get_port());
    execute(&mut connection, add).await;
    // One at a time, because it changes the roles of the worker, which belong to all of its databases.
    let mut lock = connect_to(coordinator).await;
    execute(&mut lock, "SELECT pg_advisory_lock(1)".to_owned()).await;
    for worker in &nodes[1..] {
        let add = format!("SELECT citus_add_node('{}', {})", worker.get_host(), worker.get_port());
        execute(&mut connection, add).await;
    }
    lock.close().await.unwrap();
    connection.close().await.unwrap();
    let pool = Pool::new(emulator_database(database), PoolSettings::default());
    connect::migrate(&pool).await.unwrap();
    assert!(distribution::distribute(&pool).await.unwrap());
    pool.close().await;
    if CREATED.get().is_none() {
        let mut connection = connect_to(&in_schema(nodes[0].clone().database(name))).await;
        let _ = CREATED.set(fingerprint(&mut connection).await.unwrap());
        connection.close().await.unwrap();
    }
}

/// Empties a database, and returns whether another test can use it. A test may have changed its definitions or settings.
pub async fn empty(nodes: &'static [PgConnectOptions], name: &str) -> bool {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = $1 AND pid <> pg_backend_pid() AND application_name NOT LIKE 'Citus%'";
    let mut connection = connect_to(&in_schema(nodes[0].clone().database(name))).await;
    sqlx::query(end).bind(name).execute(&mut connection).await.unwrap();
    let is_as_created = fingerprint(&mut connection).await.ok().as_ref() == CREATED.get();
    let is_emptied = is_as_created && truncate(&mut connection).await.is_ok();
    connection.close().await.unwrap();
    is_emptied
}

async fn fingerprint(connection: &mut PgConnection) -> Result<(String, i64), sqlx::Error> {
    let definitions = sqlx::query_scalar(FINGERPRINT).fetch_one(&mut *connection).await?;
    let migrations = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(connection).await?;
    Ok((definitions, migrations))
}

async fn truncate(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables
         WHERE schemaname = current_schema() AND tablename NOT IN ('_sqlx_migrations', 'schema_functions', 'organisations')",
    )
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query(AssertSqlSafe(format!("TRUNCATE {} CASCADE", tables.join(", ")))).execute(&mut *connection).await?;
    let reset =
        "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences
         WHERE sequencename <> 'organisations_id_seq'";
    sqlx::query(reset).execute(connection).await.map(drop)
}
