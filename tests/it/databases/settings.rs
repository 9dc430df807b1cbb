//! Databases with other defaults (`ALTER DATABASE ... SET`) than those that the statements of the emulator need.

use sqlx::{AssertSqlSafe, Executor, PgPool};
use voucherify_emulator::db::session::SETTINGS;

use crate::support::TestEmulator;

/// For each setting of the emulator's connections, a value that would change what a statement does or returns.
const OTHERWISE: &[(&str, &str)] = &[
    ("standard_conforming_strings", "off"),
    ("backslash_quote", "off"),
    ("transform_null_equals", "on"),
    ("array_nulls", "off"),
    ("quote_all_identifiers", "on"),
    ("row_security", "off"),
    ("check_function_bodies", "off"),
    ("plpgsql.extra_errors", "all"),
    ("session_replication_role", "replica"),
    ("client_encoding", "LATIN1"),
    ("DateStyle", "German, DMY"),
    ("IntervalStyle", "iso_8601"),
    ("TimeZone", "Asia/Kathmandu"),
    ("timezone_abbreviations", "India"),
    ("bytea_output", "escape"),
    ("extra_float_digits", "-15"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_read_only", "on"),
    ("default_transaction_deferrable", "on"),
    ("lock_timeout", "1ms"),
    ("transaction_timeout", "1s"),
    ("idle_session_timeout", "200ms"),
    ("exit_on_error", "on"),
    ("client_min_messages", "debug1"),
    ("jit", "on"),
    ("force_parallel_mode", "on"),
    ("debug_parallel_query", "on"),
    ("from_collapse_limit", "1"),
    ("join_collapse_limit", "1"),
    ("enable_bitmapscan", "off"),
    ("enable_hashagg", "off"),
    ("enable_hashjoin", "off"),
    ("enable_incremental_sort", "off"),
    ("enable_indexonlyscan", "off"),
    ("enable_indexscan", "off"),
    ("enable_material", "off"),
    ("enable_memoize", "off"),
    ("enable_mergejoin", "off"),
    ("enable_nestloop", "off"),
    ("enable_seqscan", "off"),
    ("enable_sort", "off"),
    ("enable_tidscan", "off"),
    ("search_path", "public"),
    ("statement_timeout", "2s"),
    ("idle_in_transaction_session_timeout", "100ms"),
    ("plan_cache_mode", "force_custom_plan"),
];

/// Gives every new connection to the database other settings, apart from those that this version of PostgreSQL does not have.
pub async fn set_otherwise(pool: &PgPool) {
    let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(pool).await.unwrap();
    sqlx::raw_sql("LOAD 'plpgsql'").execute(pool).await.unwrap();
    let known: Vec<String> = sqlx::query_scalar("SELECT name FROM pg_settings").fetch_all(pool).await.unwrap();
    for (setting, value) in OTHERWISE.iter().filter(|(setting, _)| known.iter().any(|known| known == setting)) {
        let list = if *setting == "DateStyle" { (*value).to_owned() } else { format!("'{value}'") };
        pool.execute(AssertSqlSafe(format!("ALTER DATABASE {name} SET {setting} = {list}"))).await.unwrap();
    }
}

#[tokio::test]
async fn every_connection_has_the_settings_that_the_statements_need() {
    let emulator = TestEmulator::new().await;
    set_otherwise(&emulator.pool).await;
    let other = emulator.start_another(|_| {}).await;
    let mut connection = other.connections.acquire().await.unwrap();
    for (setting, value) in SETTINGS {
        let found: Option<String> = sqlx::query_scalar("SELECT current_setting($1, true)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert!(found.as_deref().is_none_or(|found| found == *value), "{setting}: {found:?}");
        let is_changed = OTHERWISE.iter().any(|(changed, other)| changed == setting && other != value);
        // PostgreSQL itself has only one method to store tables.
        assert!(is_changed || *setting == "default_table_access_method", "{setting} has no other value in this test");
    }
    let path: String =
        sqlx::query_scalar("SELECT current_setting('search_path')").fetch_one(&mut *connection).await.unwrap();
    assert_eq!(path, "\"voucherify_emulator\"");
    connection.release();
    // A new connection to the database does have the other settings, so the test above is one.
    let plain: String = sqlx::query_scalar(
        "SELECT setting FROM pg_db_role_setting, unnest(setconfig) AS setting WHERE setting LIKE 'Inter%'",
    )
    .fetch_one(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(plain, "IntervalStyle=iso_8601");
}
