//! The list of exports, and the deletion of an export.

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::row::{JobRow, push_columns};
use crate::db::list_query::ListQuery;
use crate::domain::job::Job;
use crate::domain::page::{Direction, Page};
use crate::domain::project::ProjectId;
use crate::trace::statement;

/// The sort key of a list of exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportSort {
    CreatedAt,
    /// The name of the status. Exports with the same status are sorted by their arrival.
    Status,
}

/// Adds the SQL expression of the status that is shown of the job `j` of the project.
fn push_shown_status(query: &mut QueryBuilder<Postgres>, project: ProjectId) {
    query.push("(CASE WHEN j.outcome = 'DONE' THEN 'DONE' WHEN j.outcome = 'FAILED' THEN 'ERROR' ");
    query.push("WHEN EXISTS (SELECT 1 FROM jobs e WHERE e.project_id = ").push_bind(project.0);
    query
        .push(" AND e.outcome IS NULL AND e.number < j.number) THEN 'SCHEDULED' ELSE 'IN_PROGRESS' END COLLATE \"C\")");
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
    let _statement = statement("jobs.list_exports");
    let push_matching = |query: &mut QueryBuilder<Postgres>| {
        query.push(" FROM jobs j WHERE j.type = 'EXPORT' AND j.project_id = ").push_bind(project.0);
    };
    let push_rows = |query: &mut QueryBuilder<Postgres>| {
        query.push("SELECT ");
        push_columns(query, project);
        push_matching(query);
        let direction = match direction {
            Direction::Ascending => " ASC",
            Direction::Descending => " DESC",
        };
        query.push(" ORDER BY ");
        match sort {
            ExportSort::CreatedAt => query.push("j.created_at").push(direction).push(", j.id"),
            ExportSort::Status => {
                push_shown_status(query, project);
                query.push(direction).push(", j.number")
            }
        };
        query.push(direction);
    };
    let (rows, total): (Vec<JobRow>, i64) = ListQuery { page, has_cursor: false, row_count: None, has_filter: false }
        .fetch(connection, push_rows, push_matching)
        .await?;
    Ok((page.trim(rows).into_iter().filter_map(JobRow::into_job).collect(), total))
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
    let _statement = statement("jobs.delete_export");
    let is_free = sqlx::query_scalar!(
        r#"WITH free AS (
               SELECT 1 FROM jobs WHERE project_id = $1 AND id = $2 AND type = 'EXPORT' FOR UPDATE SKIP LOCKED
           ),
           gone AS (
               DELETE FROM jobs WHERE project_id = $1 AND id = $2 AND EXISTS (SELECT 1 FROM free)
           )
           SELECT EXISTS (SELECT 1 FROM free) AS "is_free!" FROM jobs WHERE project_id = $1 AND id = $2 AND type = 'EXPORT'"#,
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
    // Lock the rows in the order of their keys, like an erasure.
    sqlx::query!(
        "WITH gone AS MATERIALIZED (
             SELECT part, number FROM job_results WHERE project_id = $1 AND job_id = $2 ORDER BY part, number FOR UPDATE
         )
         DELETE FROM job_results r USING gone
         WHERE r.project_id = $1 AND r.job_id = $2 AND r.part = gone.part AND r.number = gone.number",
        project.0,
        id
    )
    .execute(connection)
    .await?;
    Ok(ExportDeletion::Deleted)
}
