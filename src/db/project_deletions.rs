//! The deletion of projects: `migrations/0001_schema.sql` explains its steps at the table `projects`.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::jobs::notify;
use super::pending_work;
use super::pool::{Pool, Transaction};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// Marks a project as deleted, with its snapshots, revokes its keys, deletes its tokens, and wakes the worker that
/// deletes its rows when the transaction commits. Returns `false` when the project is deleted already.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn mark_deleted(
    connection: &mut PgConnection,
    project: ProjectId,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("project_deletions.mark_deleted");
    let marked =
        sqlx::query!("UPDATE projects SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL", project.0, now)
            .execute(&mut *connection)
            .await?;
    if marked.rows_affected() == 0 {
        return Ok(false);
    }
    notify(connection).await?;
    // Revoke the keys instead of deleting them, so that their ids never give access to anything else.
    sqlx::query!("UPDATE credentials SET project_id = NULL, revoked_at = $2 WHERE project_id = $1", project.0, now)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM oauth_tokens WHERE project_id = $1", project.0).execute(&mut *connection).await?;
    // Its snapshots are projects whose rows are deleted in the same way.
    sqlx::query!("UPDATE projects SET deleted_at = $2 WHERE snapshot_of = $1 AND deleted_at IS NULL", project.0, now)
        .execute(connection)
        .await?;
    Ok(true)
}

/// Lists the projects that are marked as deleted and still have a row, at most 1000 of them.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_marked(connection: &mut PgConnection) -> Result<Vec<ProjectId>, sqlx::Error> {
    let _statement = statement("project_deletions.list_marked");
    let ids = sqlx::query_scalar!("SELECT id FROM projects WHERE deleted_at IS NOT NULL ORDER BY id LIMIT 1000")
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(ProjectId).collect())
}

/// Begins a transaction that holds the rules lock of the project exclusively. Returns `None` when another transaction
/// holds the lock: a writer that has not ended, or another process that deletes the rows. The transaction waits at
/// most a second for any other lock.
///
/// # Errors
/// Returns an error when no connection is available or the database query fails.
pub async fn try_begin_exclusive(pool: &Pool, project: ProjectId) -> Result<Option<Transaction>, sqlx::Error> {
    // `lock_rules_exclusive` takes the same lock, but refuses a project that is marked as deleted.
    let statements = format!(
        "BEGIN; SET LOCAL lock_timeout = '1s'; SELECT pg_try_advisory_xact_lock(rules_lock_key({}))",
        project.0
    );
    let (transaction, row) = pool.begin_with(project, AssertSqlSafe(statements)).await?;
    if row.try_get(0)? {
        return Ok(Some(transaction));
    }
    transaction.roll_back().await;
    Ok(None)
}

/// Turns off the checks of foreign keys for the rest of the transaction, where the role of the connection may do so,
/// which is a superuser. PostgreSQL checks five foreign keys for each customer, one statement each, which takes almost
/// all of the time of the removal. The transaction may delete rows whose dependent rows are all deleted, and nothing
/// else.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn skip_foreign_key_checks(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let _statement = statement("project_deletions.skip_foreign_key_checks");
    sqlx::query!(
        "SELECT set_config('session_replication_role', 'replica', true) WHERE current_setting('is_superuser') = 'on'"
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

macro_rules! tables {
    ($($table:literal),* $(,)?) => {
        /// Every table with rows of projects; a table with a foreign key comes before the table that it refers to. A
        /// test compares the list with the catalogue. `credentials` is not in it, because revoked keys stay.
        pub const TABLES: &[&str] = &[$($table),*];

        /// Deletes at most `limit` rows of the project from one of [`TABLES`], and returns how many it deleted.
        ///
        /// # Errors
        /// Returns an error when the database query fails.
        pub async fn delete_rows(
            connection: &mut PgConnection,
            project: ProjectId,
            table: &str,
            limit: i64,
        ) -> Result<u64, sqlx::Error> {
            let done = match table {
                $($table => sqlx::query!(
                    "DELETE FROM " + $table + " WHERE project_id = $1 AND ctid = ANY(ARRAY(
                         SELECT ctid FROM " + $table + " WHERE project_id = $1 LIMIT $2))",
                    project.0,
                    limit
                )
                .execute(connection)
                .await?,)*
                _ => return Ok(0),
            };
            Ok(done.rows_affected())
        }
    };
}

tables![
    // The jobs come first: a worker holds the lock of the row of its job, so what it writes is visible once that row
    // is deleted.
    "jobs",
    "job_slices",
    "job_results",
    "oauth_tokens",
    "faults",
    "webhook_deliveries",
    "webhooks",
    "orders",
    "custom_events",
    "customer_event_counts",
    "customer_moments",
    "customer_activity",
    "segment_members",
    "segments",
    "customer_consents",
    "consent_group_members",
    "consent_groups",
    "consents",
    "customers",
    "unconfirmed_customers",
    "metadata_schemas",
    "custom_event_schemas",
    "permanent_deletions",
    "row_counts",
    "seeded_identifiers",
];

/// The one of [`TABLES`] to which most foreign keys refer. The tables that refer to it come before it, and no row is added
/// to them after the deletion of the project has begun.
pub const REFERENCED_TABLE: &str = "customers";

/// Locks the row of a project that is marked as deleted, so that no row with a foreign key to it can be added until
/// the transaction ends. Returns `false` when there is no such project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(connection: &mut PgConnection, project: ProjectId) -> Result<bool, sqlx::Error> {
    let _statement = statement("project_deletions.lock");
    let row = sqlx::query!("SELECT id FROM projects WHERE id = $1 AND deleted_at IS NOT NULL FOR UPDATE", project.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Deletes a project that is marked as deleted and has no rows left.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_project(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    let _statement = statement("project_deletions.delete_project");
    pending_work::delete(connection, project).await?;
    sqlx::query!("DELETE FROM projects WHERE id = $1 AND deleted_at IS NOT NULL", project.0)
        .execute(connection)
        .await?;
    Ok(())
}
