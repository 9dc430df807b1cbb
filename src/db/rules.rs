//! The version of a project's rules, and the lock that goes with it: `migrations/0003_filtered_segments.sql` says why.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::pool::{Pool, Transaction};
use crate::domain::project::ProjectId;

/// A transaction during which nobody changes the project's rules, and their version. It is one round trip.
///
/// # Errors
/// When there is no connection to be had, or the database refuses.
pub async fn begin(pool: &Pool, project: ProjectId) -> Result<(Transaction, i64), sqlx::Error> {
    // Two statements can go together only as text; the project is a number.
    let (transaction, row) =
        pool.begin_with(AssertSqlSafe(format!("BEGIN; SELECT rules_version({})", project.0))).await?;
    Ok((transaction, row.try_get(0)?))
}

/// A transaction in which its project is alone: everyone who writes there has ended, and others wait. With the version of the
/// rules. It is one round trip.
///
/// # Errors
/// When there is no connection to be had, or the database refuses.
pub async fn begin_alone(pool: &Pool, project: ProjectId) -> Result<(Transaction, i64), sqlx::Error> {
    let (transaction, row) = pool.begin_with(AssertSqlSafe(format!("BEGIN; SELECT lock_rules({})", project.0))).await?;
    Ok((transaction, row.try_get(0)?))
}

/// Makes the project alone for the rest of a transaction, as [`begin_alone`] does for all of one.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT lock_rules($1)", project.0).fetch_one(connection).await.map(drop)
}

/// The version of the project's rules as it is now, without a lock.
///
/// # Errors
/// When the database refuses.
pub async fn version(connection: &mut PgConnection, project: ProjectId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("SELECT rules_version FROM projects WHERE id = $1 AND deleted_at IS NULL", project.0)
        .fetch_one(connection)
        .await
}

/// Counts the version up, in a transaction of [`begin_alone`], so that everyone reads the rules anew.
///
/// # Errors
/// When the database refuses.
pub async fn bump(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE projects SET rules_version = rules_version + 1 WHERE id = $1", project.0)
        .execute(connection)
        .await?;
    Ok(())
}
