//! Deleting projects: `migrations/0007_doors.sql` says how.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::jobs::CHANNEL;
use super::pool::{Pool, Transaction};
use crate::domain::project::ProjectId;

/// Marks a project as deleted, revokes its keys and its tokens, and wakes whoever removes its rows when the transaction commits;
/// `false` where it is deleted already.
///
/// # Errors
/// When the database refuses.
pub async fn mark(connection: &mut PgConnection, project: ProjectId, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let marked = sqlx::query!(
        r#"UPDATE projects SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL
           RETURNING pg_notify($3, '')::text AS notified"#,
        project.0,
        now,
        CHANNEL
    )
    .fetch_optional(&mut *connection)
    .await?;
    if marked.is_none() {
        return Ok(false);
    }
    // Not removed: an id that opened something is never free for something else.
    sqlx::query!("UPDATE credentials SET project_id = NULL, revoked_at = $2 WHERE project_id = $1", project.0, now)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM oauth_tokens WHERE project_id = $1", project.0).execute(connection).await?;
    Ok(true)
}

/// The projects that are marked as deleted and not yet gone.
///
/// # Errors
/// When the database refuses.
pub async fn left(connection: &mut PgConnection) -> Result<Vec<ProjectId>, sqlx::Error> {
    let ids = sqlx::query_scalar!("SELECT id FROM projects WHERE deleted_at IS NOT NULL ORDER BY id LIMIT 1000")
        .fetch_all(connection)
        .await?;
    Ok(ids.into_iter().map(ProjectId).collect())
}

/// A transaction that is alone in the project: whoever wrote there has ended. `None` where somebody is there still, or removes
/// it already. It waits for no other lock for long.
///
/// # Errors
/// When there is no connection to be had, or the database refuses.
pub async fn begin_alone(pool: &Pool, project: ProjectId) -> Result<Option<Transaction>, sqlx::Error> {
    // The lock of `lock_rules`, which refuses a project that is deleted.
    let (transaction, row) = pool
        .begin_with(AssertSqlSafe(format!(
            "BEGIN; SET LOCAL lock_timeout = '1s'; SELECT pg_try_advisory_xact_lock(8682000000000000 + {})",
            project.0
        )))
        .await?;
    if row.try_get(0)? {
        return Ok(Some(transaction));
    }
    transaction.roll_back().await;
    Ok(None)
}

macro_rules! tables {
    ($($table:literal),* $(,)?) => {
        /// Every table with rows of projects, those first whose rows name rows of others. A test holds it against the catalogue.
        /// Keys are not among them: they are revoked, and stay.
        pub const TABLES: &[&str] = &[$($table),*];

        /// Removes rows of the project, `most` of them at the most, from one of [`TABLES`], and tells how many.
        ///
        /// # Errors
        /// When the database refuses.
        pub async fn remove(
            connection: &mut PgConnection,
            project: ProjectId,
            table: &str,
            most: i64,
        ) -> Result<u64, sqlx::Error> {
            let done = match table {
                $($table => sqlx::query!(
                    "DELETE FROM " + $table + " WHERE project_id = $1 AND ctid = ANY(ARRAY(
                         SELECT ctid FROM " + $table + " WHERE project_id = $1 LIMIT $2))",
                    project.0,
                    most
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
    // First the jobs: a worker that has one has its row locked, and what it does there is seen after.
    "jobs",
    "job_slices",
    "job_results",
    "oauth_tokens",
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
    "metadata_schemas",
    "custom_event_schemas",
    "permanent_deletions",
    "row_counts",
];

/// Keeps everyone from adding rows that have a foreign key to the project, until the transaction ends; `false` where the project
/// is gone.
///
/// # Errors
/// When the database refuses.
pub async fn lock(connection: &mut PgConnection, project: ProjectId) -> Result<bool, sqlx::Error> {
    let row = sqlx::query!("SELECT id FROM projects WHERE id = $1 AND deleted_at IS NOT NULL FOR UPDATE", project.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Removes a project that has no rows any more.
///
/// # Errors
/// When the database refuses.
pub async fn remove_project(connection: &mut PgConnection, project: ProjectId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM projects WHERE id = $1 AND deleted_at IS NOT NULL", project.0)
        .execute(connection)
        .await?;
    Ok(())
}
