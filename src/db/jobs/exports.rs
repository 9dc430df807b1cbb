//! The list of exports, and the deletion of an export.

use sqlx::PgConnection;

use super::row::{JobRow, select_job};
use crate::domain::job::Job;
use crate::domain::json::JsonText;
use crate::domain::page::{Direction, Page};
use crate::domain::project::ProjectId;

/// The sort key of a list of exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportSort {
    CreatedAt,
    /// The name of the status. Exports with the same status are sorted by their arrival.
    Status,
}

/// Lists one page of the exports of a project, and returns it with the number of all of them.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn list_exports(
    connection: &mut PgConnection,
    project: ProjectId,
    sort: ExportSort,
    direction: Direction,
    page: Page,
) -> Result<(Vec<Job>, i64), sqlx::Error> {
    let is_descending = direction == Direction::Descending;
    let rows = match sort {
        ExportSort::CreatedAt if is_descending => select_job!(
            "WHERE j.project_id = $1 AND j.type = 'EXPORT' ORDER BY j.created_at DESC, j.id DESC LIMIT $2 OFFSET $3",
            project.0,
            page.limit,
            page.offset()
        )
        .fetch_all(&mut *connection)
        .await?,
        ExportSort::CreatedAt => {
            select_job!(
                "WHERE j.project_id = $1 AND j.type = 'EXPORT' ORDER BY j.created_at, j.id LIMIT $2 OFFSET $3",
                project.0,
                page.limit,
                page.offset()
            )
            .fetch_all(&mut *connection)
            .await?
        }
        ExportSort::Status => {
            select_job!(
                "CROSS JOIN LATERAL (SELECT CASE
                     WHEN j.outcome = 'DONE' THEN 'DONE' WHEN j.outcome = 'FAILED' THEN 'ERROR'
                     WHEN EXISTS (SELECT FROM jobs e WHERE e.project_id = j.project_id AND e.outcome IS NULL
                                  AND e.number < j.number) THEN 'SCHEDULED'
                     ELSE 'IN_PROGRESS' END COLLATE \"C\" AS status) AS shown
                 WHERE j.project_id = $1 AND j.type = 'EXPORT'
                 ORDER BY CASE WHEN $4 THEN shown.status END DESC, CASE WHEN NOT $4 THEN shown.status END,
                          CASE WHEN $4 THEN j.number END DESC, CASE WHEN NOT $4 THEN j.number END
                 LIMIT $2 OFFSET $3",
                project.0,
                page.limit,
                page.offset(),
                is_descending
            )
            .fetch_all(&mut *connection)
            .await?
        }
    };
    let total = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM jobs WHERE project_id = $1 AND type = 'EXPORT'"#,
        project.0
    )
    .fetch_one(connection)
    .await?;
    Ok((rows.into_iter().filter_map(JobRow::into_job).collect(), total))
}

/// The outcome of [`delete_export`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportDeletion {
    Deleted,
    NotFound,
    /// A worker holds the lock of the export.
    Locked,
}

/// Deletes an export with its results, unless a worker holds its lock.
///
/// # Errors
/// Returns an error when the database query fails.
pub async fn delete_export(
    connection: &mut PgConnection,
    project: ProjectId,
    id: &str,
) -> Result<ExportDeletion, sqlx::Error> {
    let is_free = sqlx::query_scalar!(
        r#"WITH free AS (
               SELECT FROM jobs WHERE project_id = $1 AND id = $2 AND type = 'EXPORT' FOR UPDATE SKIP LOCKED
           ),
           gone AS (
               DELETE FROM jobs WHERE project_id = $1 AND id = $2 AND EXISTS (SELECT FROM free)
           )
           SELECT EXISTS (SELECT FROM free) AS "is_free!" FROM jobs WHERE project_id = $1 AND id = $2 AND type = 'EXPORT'"#,
        project.0,
        id
    )
    .fetch_optional(&mut *connection)
    .await?;
    match is_free {
        None => return Ok(ExportDeletion::NotFound),
        Some(false) => return Ok(ExportDeletion::Locked),
        Some(true) => {}
    }
    // Use a separate statement: it also sees the results that a worker committed just before it released the lock.
    sqlx::query!("DELETE FROM job_results WHERE project_id = $1 AND job_id = $2", project.0, id)
        .execute(connection)
        .await?;
    Ok(ExportDeletion::Deleted)
}
