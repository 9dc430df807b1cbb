//! The SQL functions of the database: one file each, applied whenever the text of the file differs from what the
//! database has.

use sha2::{Digest, Sha256};
use sqlx::{Connection, Executor, PgConnection, SqlSafeStr};

macro_rules! functions {
    ($($name:literal),* $(,)?) => {
        /// The name and the definition of every function.
        const FUNCTIONS: &[(&str, &str)] = &[$(($name, include_str!(concat!($name, ".sql")))),*];
    };
}

functions![
    "rules_lock_key",
    "project_time",
    "is_before_job_rows",
    "is_fault_hit",
    "is_of_this_transaction",
    "lock_rules_shared",
    "try_lock_rules_shared",
    "lock_rules_exclusive",
    "parse_iso_timestamp",
    "delete_project_rows",
    "copy_project_rows",
    "find_texts",
    "delete_unconfirmed_customers",
    "erase_unconfirmed_customer",
    "insert_customers",
    "insert_customer_rows",
    "erase_customer",
    "erase_customer_rows",
    "erase_customer_from_job_slices",
    "erase_customer_from_job_results",
];

/// Adds the name and the definition of every function to a digest.
pub fn update_digest(digest: &mut Sha256) {
    for (name, definition) in FUNCTIONS {
        digest.update(format!("{name} {} {definition}", definition.len()));
    }
}

/// Creates or replaces the functions whose text has changed since they were last applied, all in one transaction. Any
/// number of processes may do so at once: a lock lets one of them work at a time. A function that is no longer in the
/// list stays, because a process of an older version may still call it.
///
/// # Errors
/// Returns an error when a statement fails.
pub async fn apply(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query!("SELECT pg_advisory_xact_lock('schema_functions'::regclass::oid::bigint << 32) IS NULL AS locked")
        .fetch_one(&mut *transaction)
        .await?;
    let applied = sqlx::query!("SELECT name, sha256 FROM schema_functions").fetch_all(&mut *transaction).await?;
    for (name, definition) in FUNCTIONS {
        let sha256 = Sha256::digest(definition).to_vec();
        if applied.iter().any(|row| row.name == *name && row.sha256 == sha256) {
            continue;
        }
        if !replace(&mut transaction, name, definition).await? {
            drop_all(&mut transaction, name).await?;
            (*transaction).execute(definition.into_sql_str()).await?;
        }
        sqlx::query!(
            "INSERT INTO schema_functions (name, sha256) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET sha256 = excluded.sha256",
            name,
            sha256
        )
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}

/// Creates a function or replaces it in place, which does not disturb running statements that call it. Returns
/// `false`, with nothing changed, when the database has the function with other arguments or another return type.
async fn replace(connection: &mut PgConnection, name: &str, definition: &'static str) -> Result<bool, sqlx::Error> {
    const CANNOT_CHANGE_RETURN_TYPE: &str = "42P13";
    let mut savepoint = connection.begin().await?;
    if let Err(error) = (*savepoint).execute(definition.into_sql_str()).await {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let is_incompatible = code.as_deref() == Some(CANNOT_CHANGE_RETURN_TYPE);
        savepoint.rollback().await?;
        return if is_incompatible { Ok(false) } else { Err(error) };
    }
    // With other arguments PostgreSQL keeps the old function beside the new one.
    let is_only_one = signatures(&mut savepoint, name).await?.len() == 1;
    if is_only_one {
        savepoint.commit().await?;
    } else {
        savepoint.rollback().await?;
    }
    Ok(is_only_one)
}

/// Drops every function of that name.
async fn drop_all(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    for signature in signatures(connection, name).await? {
        connection.execute(sqlx::AssertSqlSafe(format!("DROP FUNCTION {signature}"))).await?;
    }
    Ok(())
}

/// Returns the name with the argument types of every function of that name.
async fn signatures(connection: &mut PgConnection, name: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT oid::regprocedure::text AS "signature!" FROM pg_proc
           WHERE proname = $1 AND pronamespace = current_schema()::regnamespace"#,
        name as &str
    )
    .fetch_all(connection)
    .await
}
