//! The version of a project's rules, and the rules lock that protects them: `migrations/0001_schema.sql` explains
//! both at the table `segments`.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::pool::{Pool, Transaction};
use crate::domain::project::ProjectId;

/// Begins a transaction that holds the rules lock in shared mode, so that the rules do not change until it ends.
/// Returns it with the version of the rules. It takes one round trip.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn begin_shared(pool: &Pool, project: ProjectId) -> Result<(Transaction, i64), sqlx::Error> {
    begin(pool, format!("BEGIN; SELECT lock_rules_shared({})", project.0)).await
}

/// Begins a transaction that holds the rules lock exclusively: it waits until the writers of the project have
/// committed, and further writers wait until it ends. Returns it with the version of the rules. It takes one round
/// trip.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn begin_exclusive(pool: &Pool, project: ProjectId) -> Result<(Transaction, i64), sqlx::Error> {
    begin(pool, format!("BEGIN; SELECT lock_rules_exclusive({})", project.0)).await
}

/// The statements contain the number of the project as text, because only statements without parameters can be sent
/// together.
async fn begin(pool: &Pool, statements: String) -> Result<(Transaction, i64), sqlx::Error> {
    let (transaction, row) = pool.begin_with(AssertSqlSafe(statements)).await?;
    Ok((transaction, row.try_get(0)?))
}

/// Takes the rules lock exclusively for the rest of a transaction, as [`begin_exclusive`] does at its beginning.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock_exclusive(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT lock_rules_exclusive($1)", project.0).fetch_one(connection).await.map(drop)
}

/// Returns the current version of the project's rules, without taking a lock.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn version(connection: &mut PgConnection, project: ProjectId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("SELECT rules_version FROM projects WHERE id = $1 AND deleted_at IS NULL", project.0)
        .fetch_one(connection)
        .await
}

/// Increments the version in a transaction of [`begin_exclusive`], which makes every process load the rules again.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn increment_version(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE projects SET rules_version = rules_version + 1 WHERE id = $1", project.0)
        .execute(connection)
        .await?;
    Ok(())
}
