//! The snapshots of projects: `migrations/0001_schema.sql` explains at the table `projects` how they are stored.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::jobs::notify;
use crate::domain::json::JsonText;
use crate::domain::project::ProjectId;
use crate::domain::project_counts::ProjectCounts;
use crate::domain::snapshot::Snapshot;
use crate::trace::statement;

macro_rules! settings {
    ($($column:literal),* $(,)?) => {
        /// The columns of `projects` that a snapshot has. A test compares them with the catalogue.
        pub const SETTINGS: &[&str] = &[$($column),*];

        /// Inserts a snapshot without rows and returns its number as a project. `public_id` is unique and never shown.
        ///
        /// # Errors
        /// Returns an error when the database query fails.
        pub async fn insert(
            connection: &mut PgConnection,
            project: ProjectId,
            name: &str,
            public_id: &str,
            now: DateTime<Utc>,
        ) -> Result<ProjectId, sqlx::Error> {
            let id = sqlx::query_scalar!(
                "INSERT INTO projects (organisation_id, public_id, webhook_token, snapshot_of, snapshot_name,
                                       snapshot_counts, rules_version, created_at"
                $(+ ", " + $column)* +
                ") SELECT organisation_id, $3, '', id, $2, '{}', rules_version, $4"
                $(+ ", " + $column)* +
                " FROM projects WHERE id = $1 RETURNING id",
                project.0,
                name,
                public_id,
                now
            )
            .fetch_one(connection)
            .await?;
            Ok(ProjectId(id))
        }

        /// Gives a project the settings of its snapshot, and a version of the rules that it has never had.
        ///
        /// # Errors
        /// Returns an error when the database query fails.
        pub async fn restore_settings(
            connection: &mut PgConnection,
            project: ProjectId,
            snapshot: ProjectId,
        ) -> Result<(), sqlx::Error> {
            sqlx::query!(
                "UPDATE projects p SET rules_version = greatest(p.rules_version, s.rules_version) + 1"
                $(+ ", " + $column + " = s." + $column)* +
                " FROM projects s WHERE p.id = $1 AND s.id = $2",
                project.0,
                snapshot.0
            )
            .execute(connection)
            .await?;
            Ok(())
        }
    };
}

settings![
    "name",
    "settings",
    "is_strict",
    "last_job_row_at",
    "job_rows_written_at",
    "clock_offset_micros",
    "clock_frozen_at",
    "identifier_seed",
];

/// Stores how many objects a snapshot has, and returns the snapshot.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn set_counts(
    connection: &mut PgConnection,
    snapshot: ProjectId,
    counts: &ProjectCounts,
) -> Result<Snapshot, sqlx::Error> {
    let _statement = statement("snapshots.set_counts");
    sqlx::query_as!(
        Snapshot,
        r#"UPDATE projects SET snapshot_counts = $2 WHERE id = $1
           RETURNING snapshot_name AS "name!", created_at, snapshot_counts AS "counts!: JsonText""#,
        snapshot.0,
        JsonText::of(counts) as JsonText
    )
    .fetch_one(connection)
    .await
}

/// Finds the snapshot with that name, and locks it until the transaction ends, so that it is not deleted. Returns it with
/// its number as a project.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn lock(
    connection: &mut PgConnection,
    project: ProjectId,
    name: &str,
) -> Result<Option<(ProjectId, Snapshot)>, sqlx::Error> {
    let _statement = statement("snapshots.lock");
    let row = sqlx::query!(
        r#"SELECT id, snapshot_name AS "name!", created_at, snapshot_counts AS "counts!: JsonText"
           FROM projects WHERE snapshot_of = $1 AND snapshot_name = $2 AND deleted_at IS NULL FOR SHARE"#,
        project.0,
        name
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (ProjectId(row.id), Snapshot { name: row.name, created_at: row.created_at, counts: row.counts })))
}

/// Lists the snapshots of a project, newest first.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<Snapshot>, sqlx::Error> {
    let _statement = statement("snapshots.list");
    sqlx::query_as!(
        Snapshot,
        r#"SELECT snapshot_name AS "name!", created_at, snapshot_counts AS "counts!: JsonText"
           FROM projects WHERE snapshot_of = $1 AND deleted_at IS NULL ORDER BY id DESC"#,
        project.0
    )
    .fetch_all(connection)
    .await
}

/// Finds the snapshot with that name.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn find(
    connection: &mut PgConnection,
    project: ProjectId,
    name: &str,
) -> Result<Option<Snapshot>, sqlx::Error> {
    let _statement = statement("snapshots.find");
    sqlx::query_as!(
        Snapshot,
        r#"SELECT snapshot_name AS "name!", created_at, snapshot_counts AS "counts!: JsonText"
           FROM projects WHERE snapshot_of = $1 AND snapshot_name = $2 AND deleted_at IS NULL"#,
        project.0,
        name
    )
    .fetch_optional(connection)
    .await
}

/// Counts the snapshots of a project that have another name.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn count_others(connection: &mut PgConnection, project: ProjectId, name: &str) -> Result<i64, sqlx::Error> {
    let _statement = statement("snapshots.count_others");
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM projects
           WHERE snapshot_of = $1 AND snapshot_name <> $2 AND deleted_at IS NULL"#,
        project.0,
        name
    )
    .fetch_one(connection)
    .await
}

/// Marks the snapshot with that name as deleted, and wakes the worker that deletes its rows when the transaction commits.
/// Returns `false` when there is none.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn mark_deleted(
    connection: &mut PgConnection,
    project: ProjectId,
    name: &str,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let _statement = statement("snapshots.mark_deleted");
    let marked = sqlx::query!(
        "UPDATE projects SET deleted_at = $3 WHERE snapshot_of = $1 AND snapshot_name = $2 AND deleted_at IS NULL",
        project.0,
        name,
        now
    )
    .execute(&mut *connection)
    .await?;
    let is_marked = marked.rows_affected() > 0;
    if is_marked {
        notify(connection).await?;
    }
    Ok(is_marked)
}

/// Lists the snapshots of a project that are marked as deleted and still have a row, as the projects that they are.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_marked(connection: &mut PgConnection, project: ProjectId) -> Result<Vec<ProjectId>, sqlx::Error> {
    let _statement = statement("snapshots.list_marked");
    let ids = sqlx::query_scalar!(
        "SELECT id FROM projects WHERE snapshot_of = $1 AND deleted_at IS NOT NULL ORDER BY id",
        project.0
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(ProjectId).collect())
}
