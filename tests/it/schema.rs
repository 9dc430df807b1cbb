//! The schema, compared with the catalogue of the database, and its preparation at a start.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::json;
use voucherify_emulator::db::connect::migrate;
use voucherify_emulator::db::project_copies::{TABLES_OF_KEYS, TABLES_OF_UNFINISHED_WORK};
use voucherify_emulator::db::project_deletions::TABLES;
use voucherify_emulator::db::snapshots::SETTINGS;

use crate::support::{TestEmulator, citus};

/// The tables that are read before the project of a request is known, and the tables about the schema itself.
const TABLES_WITHOUT_PROJECT: [&str; 7] = [
    "organisations",
    "projects",
    "credentials",
    "oauth_tokens",
    "schema_functions",
    "pending_work",
    "_sqlx_migrations",
];

/// What the erasure of a customer does with a column that names the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureAction {
    /// The row belongs to the customer and is deleted.
    DeleteRow,
    /// The row belongs to another customer; the column is set to null.
    ClearColumn,
    /// The column is an array with one element for each record or line; the elements of the customer are set to null.
    ClearElements,
    /// The row is the record of an erasure and stays.
    Keep,
}

/// Every column that names a customer: table, column, action.
pub const CUSTOMER_DEPENDENTS: &[(&str, &str, ErasureAction)] = &[
    ("customer_activity", "customer_id", ErasureAction::DeleteRow),
    ("customer_activity", "referrer_id", ErasureAction::ClearColumn),
    ("customer_consents", "customer_id", ErasureAction::DeleteRow),
    ("customer_event_counts", "customer_id", ErasureAction::DeleteRow),
    ("customer_moments", "customer_id", ErasureAction::DeleteRow),
    ("custom_events", "customer_id", ErasureAction::DeleteRow),
    ("job_results", "customer_ids", ErasureAction::ClearElements),
    ("job_results", "referrer_ids", ErasureAction::ClearElements),
    ("job_results", "source_ids", ErasureAction::ClearElements),
    ("job_slices", "customer_ids", ErasureAction::ClearElements),
    ("job_slices", "referrer_ids", ErasureAction::ClearElements),
    ("job_slices", "referrer_source_ids", ErasureAction::ClearElements),
    ("job_slices", "source_ids", ErasureAction::ClearElements),
    ("orders", "customer_id", ErasureAction::DeleteRow),
    ("orders", "referrer_id", ErasureAction::ClearColumn),
    ("permanent_deletions", "erased_customer_id", ErasureAction::Keep),
    ("segment_members", "customer_id", ErasureAction::DeleteRow),
    ("webhook_deliveries", "customer_id", ErasureAction::DeleteRow),
];

#[tokio::test]
async fn the_erasure_covers_every_column_that_names_a_customer() {
    let emulator = TestEmulator::new().await;
    let known: BTreeSet<(String, String)> =
        CUSTOMER_DEPENDENTS.iter().map(|&(table, column, _)| (table.to_owned(), column.to_owned())).collect();
    let keys: Vec<(String, String)> = sqlx::query_as(
        "SELECT conrelid::regclass::text, attname::text
         FROM pg_constraint
         JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey) AND attname <> 'project_id'
         WHERE contype = 'f' AND confrelid = 'customers'::regclass",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    let keys: BTreeSet<_> = keys.into_iter().collect();
    assert_eq!(keys.difference(&known).collect::<Vec<_>>(), Vec::<&(String, String)>::new(), "the foreign keys");
    // A column `source_id` is the own source id of its row; only the arrays hold source ids of customers.
    let columns: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = current_schema() AND column_name ~ '((customer|referrer)_ids?|source_ids)$'",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(columns.into_iter().collect::<BTreeSet<_>>(), known, "the columns that name a customer");
    let erasure = function_body(&emulator, "erase_customer_rows").await;
    for (table, column, action) in CUSTOMER_DEPENDENTS {
        let is_covered = match action {
            ErasureAction::DeleteRow => {
                erasure.contains(&format!("DELETE FROM {table} WHERE project_id = project AND {column} = target.id"))
            }
            ErasureAction::ClearColumn => erasure.contains(&format!("UPDATE {table} SET {column} = NULL")),
            ErasureAction::ClearElements => {
                let function = format!("erase_customer_from_{table}");
                let body = function_body(&emulator, &function).await;
                let assigned =
                    body.split_once(&format!("UPDATE {table} SET (")).and_then(|(_, rest)| rest.split_once(')'));
                erasure.contains(&format!(" := {function}("))
                    && assigned.is_some_and(|(columns, _)| columns.split(", ").any(|name| name == *column))
            }
            ErasureAction::Keep => true,
        };
        assert!(is_covered, "the erasure does not deal with {table}.{column}");
    }
}

/// Every table with e-mail addresses of customers, confirmed or not: table, and the function that erases its rows.
const EMAIL_COLUMNS: &[(&str, &str)] =
    &[("customers", "erase_customer_rows"), ("unconfirmed_customers", "delete_unconfirmed_customers")];

#[tokio::test]
async fn the_erasure_covers_every_table_with_email_addresses() {
    let emulator = TestEmulator::new().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.columns
         WHERE table_schema = current_schema() AND column_name ~ 'email' ORDER BY 1",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(tables, EMAIL_COLUMNS.iter().map(|(table, _)| *table).collect::<Vec<_>>());
    let erasure = function_body(&emulator, "erase_customer_rows").await;
    for (table, function) in EMAIL_COLUMNS {
        let body = function_body(&emulator, function).await;
        assert!(body.contains(&format!("DELETE FROM {table} WHERE project_id = project AND ")), "{table}");
        assert!(*function == "erase_customer_rows" || erasure.contains(&format!(" := {function}(")), "{table}");
    }
}

async fn function_body(emulator: &TestEmulator, name: &str) -> String {
    sqlx::query_scalar("SELECT prosrc FROM pg_proc WHERE proname = $1")
        .bind(name)
        .fetch_one(&emulator.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_deletion_of_a_project_covers_every_table_with_rows_of_projects() {
    let emulator = TestEmulator::new().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.columns
         WHERE table_schema = current_schema() AND column_name = 'project_id'
             AND table_name NOT IN ('credentials', 'pending_work')",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    let known: BTreeSet<_> = TABLES.iter().map(|&table| table.to_owned()).collect();
    assert_eq!(known.len(), TABLES.len());
    assert_eq!(tables.into_iter().collect::<BTreeSet<_>>(), known);
}

/// The columns of `projects` that a snapshot does not have: what identifies the project or belongs to its keys, what protects its
/// rules, the faults, and what describes a snapshot itself.
const COLUMNS_WITHOUT_SNAPSHOT: [&str; 12] = [
    "created_at",
    "deleted_at",
    "faults_version",
    "id",
    "is_sandbox",
    "organisation_id",
    "public_id",
    "rules_version",
    "snapshot_counts",
    "snapshot_name",
    "snapshot_of",
    "webhook_token",
];

#[tokio::test]
async fn a_snapshot_has_every_setting_of_a_project() {
    let emulator = TestEmulator::new().await;
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'projects'",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    let known: BTreeSet<_> =
        SETTINGS.iter().chain(&COLUMNS_WITHOUT_SNAPSHOT).map(|&column| column.to_owned()).collect();
    assert_eq!(known.len(), SETTINGS.len() + COLUMNS_WITHOUT_SNAPSHOT.len());
    assert_eq!(columns.into_iter().collect::<BTreeSet<_>>(), known);
}

/// The tables that a snapshot does not have. The other tables come from the list of the deletion of a project.
#[test]
fn a_snapshot_has_every_table_but_those_of_keys_and_unfinished_work() {
    for table in TABLES_OF_KEYS.iter().chain(TABLES_OF_UNFINISHED_WORK) {
        assert!(TABLES.contains(table), "{table}");
    }
    assert_eq!((TABLES_OF_KEYS, TABLES_OF_UNFINISHED_WORK), (&["oauth_tokens"][..], &["job_slices"][..]));
}

#[tokio::test]
async fn project_id_leads_every_key_and_index() {
    let emulator = TestEmulator::new().await;
    let indexes: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid, 1, true)
         FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
         WHERE relnamespace = current_schema()::regnamespace",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    assert!(indexes.len() > 20);
    for (table, index, first) in indexes {
        assert!(
            TABLES_WITHOUT_PROJECT.contains(&table.as_str()) || first == "project_id",
            "{index} begins with {first}"
        );
    }
    let without: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND NOT EXISTS (
             SELECT FROM pg_constraint WHERE conrelid = pg_class.oid AND contype = 'p')",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(without, Vec::<String>::new(), "every table has a primary key");
}

#[tokio::test]
async fn row_counts_equal_the_number_of_rows() {
    let emulator = TestEmulator::new().await;
    let client = emulator.client();
    for index in 0..6 {
        let customer = json!({"source_id": format!("c{}", index % 4)});
        client.post("/v1/customers", customer.clone()).await.expect(200);
        client
            .post("/v1/orders", json!({"source_id": format!("o{}", index % 5), "customer": customer}))
            .await
            .expect(200);
        client.post("/v1/segments", json!({"name": "S"})).await.expect(200);
    }
    let segment = client.get("/v1/segments").await.string("/data/0/id");
    client.delete(&format!("/v1/segments/{segment}")).await.expect(204);
    let id = client.get("/v1/customers/c1").await.string("/id");
    client.delete("/v1/customers/c1").await.expect(204);
    client.delete("/v1/customers/c2").await.expect(204);
    for identifier in [id.as_str(), "c3"] {
        let path = format!("/v1/customers/{identifier}/permanent-deletion");
        client.call(Method::POST, &path, None).await.expect(200);
    }
    let counted: Vec<(String, i64)> =
        sqlx::query_as("SELECT resource, sum(value)::bigint FROM row_counts GROUP BY 1 ORDER BY 1")
            .fetch_all(&emulator.pool)
            .await
            .unwrap();
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT 'customers', count(*) FROM customers WHERE deleted_at IS NULL
         UNION ALL SELECT 'orders', count(*) FROM orders
         UNION ALL SELECT 'segments', count(*) FROM segments",
    )
    .fetch_all(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(counted, rows);
    assert!(rows.iter().all(|(_, count)| *count > 0));
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_rejected() {
    let emulator = TestEmulator::new().await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations SELECT 9999, 'later', installed_on, true, '\\x00', 0 FROM _sqlx_migrations",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let error = migrate(&emulator.connections).await.unwrap_err().to_string();
    assert!(error.contains("by a newer voucherify-emulator"), "{error}");
}

#[tokio::test]
async fn a_database_of_a_development_version_is_rejected_with_instructions() {
    let emulator = TestEmulator::new().await;
    migrate(&emulator.connections).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00'").execute(&emulator.pool).await.unwrap();
    let other_checksum = migrate(&emulator.connections).await.unwrap_err().to_string();
    // Before the first release the schema had seven migrations.
    sqlx::query(
        "INSERT INTO _sqlx_migrations
         SELECT old.version, 'old', installed_on, true, '\\x00', 0 FROM _sqlx_migrations, generate_series(2, 7) AS old (version)",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let seven_migrations = migrate(&emulator.connections).await.unwrap_err().to_string();
    for error in [other_checksum, seven_migrations] {
        assert!(error.contains("made by a development version"), "{error}");
        assert!(error.contains("delete the --data-dir or the database, or use another one"), "{error}");
        assert_eq!(error.lines().count(), 1);
    }
}

#[tokio::test]
async fn only_functions_whose_text_has_changed_are_applied_at_the_next_start() {
    let emulator = TestEmulator::new().await;
    // The stored digest of the first function still fits, so its replacement stays.
    sqlx::raw_sql(
        "CREATE OR REPLACE FUNCTION lock_rules_exclusive(project bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         CREATE OR REPLACE FUNCTION lock_rules_shared(project bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';
         UPDATE schema_functions SET sha256 = '\\x00' WHERE name = 'lock_rules_shared'",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    migrate(&emulator.connections).await.unwrap();
    assert_eq!(function_body(&emulator, "lock_rules_exclusive").await, "SELECT 1::bigint");
    assert!(function_body(&emulator, "lock_rules_shared").await.contains("VE001"));
    let outdated: i64 = sqlx::query_scalar("SELECT count(*) FROM schema_functions WHERE sha256 = '\\x00'")
        .fetch_one(&emulator.pool)
        .await
        .unwrap();
    assert_eq!(outdated, 0);
}

#[tokio::test]
async fn a_function_with_another_signature_is_replaced() {
    let emulator = TestEmulator::new().await;
    let old_versions = [
        "CREATE FUNCTION lock_rules_shared(project bigint) RETURNS text LANGUAGE sql AS 'SELECT NULL'",
        "CREATE FUNCTION lock_rules_shared(project text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    ];
    for old_version in old_versions {
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "DROP FUNCTION lock_rules_shared; {old_version};
             UPDATE schema_functions SET sha256 = '\\x00' WHERE name = 'lock_rules_shared'"
        )))
        .execute(&emulator.pool)
        .await
        .unwrap();
        migrate(&emulator.connections).await.unwrap();
        let signatures: Vec<String> = sqlx::query_scalar(
            "SELECT oid::regprocedure::text || ' ' || prorettype::regtype::text FROM pg_proc
             WHERE proname = 'lock_rules_shared'",
        )
        .fetch_all(&emulator.pool)
        .await
        .unwrap();
        assert_eq!(signatures, ["lock_rules_shared(bigint) bigint"]);
    }
}

#[tokio::test]
async fn a_new_database_can_be_prepared_by_several_processes_at_once() {
    let emulator = TestEmulator::new().await;
    sqlx::raw_sql("DROP SCHEMA voucherify_emulator CASCADE").execute(&emulator.pool).await.unwrap();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let connections = emulator.connections.clone();
            tokio::spawn(async move { migrate(&connections).await.map_err(|error| error.to_string()) })
        })
        .collect();
    let mut created = 0;
    for start in starts {
        created += usize::from(start.await.unwrap().unwrap());
    }
    assert_eq!(created, 1, "one of them creates the schema");
}

#[tokio::test]
async fn only_tables_that_have_grown_are_analysed() {
    if citus::skips("the rows and their statistics are on the workers, whose autovacuum analyses them") {
        return;
    }
    let emulator = TestEmulator::new().await;
    sqlx::query(
        "INSERT INTO row_counts (project_id, resource, slot, value) SELECT n, 'customers', 0, 1 FROM generate_series(1, 500) n",
    )
    .execute(&emulator.pool)
    .await
    .unwrap();
    let mut analysed = Vec::new();
    // The statistics show what a session has written only after a short delay.
    for _ in 0..100 {
        let mut connection = emulator.connections.acquire().await.unwrap();
        voucherify_emulator::db::statistics::analyze_changed_tables(&mut connection).await.unwrap();
        connection.release();
        analysed = sqlx::query_scalar::<_, String>(
            "SELECT relname::text FROM pg_class WHERE reltuples >= 500 AND relname = 'row_counts'",
        )
        .fetch_all(&emulator.pool)
        .await
        .unwrap();
        if !analysed.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(analysed, ["row_counts"]);
    let others: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_user_tables WHERE analyze_count > 0 AND relname <> 'row_counts'",
    )
    .fetch_one(&emulator.pool)
    .await
    .unwrap();
    assert_eq!(others, 0);
}
